/** A process as Linux shows it. `started`: clock ticks since boot; with the pid it names one process for ever. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly started: number;
  readonly over: boolean;
}

/** A child that is being ended. */
export interface Root {
  readonly pid: number;
  /** In the environment of whatever it starts. */
  readonly mark: string;
  /** Ticks at which the child itself started; null where the system does not tell. */
  readonly started: number | null;
}

/** Nothing is in its environment at this moment: it is becoming another program, or on its way out. */
export const UNSAID = '';
/** They have none. */
const KERNEL = 2;

export interface Look {
  readonly found: readonly Process[];
  /** There are some of which it cannot be told at this moment. */
  readonly unsaid: boolean;
}

export interface Looking<One extends Process> {
  readonly root: Root;
  /**
   * When each of those that were killed began. One that is on its way out has no environment and perhaps no parent any
   * more, and may hold up its end for long; it is looked for until it is gone.
   */
  readonly killed: ReadonlyMap<number, number>;
  /** Us. */
  readonly self: number;
  /** The mark in its environment; null when it has none or is another user's, or `UNSAID`. */
  readonly markOf: (one: One) => string | null;
}

/** Who of all that run is of this child: by its session, by the mark, because it was killed as such, or by descent from those. */
export function kinAmong<One extends Process>(
  all: ReadonlyMap<number, One>,
  { root, killed, self, markOf }: Looking<One>,
): Look {
  const first = all.get(root.pid);
  // a number that went to another process says nothing; while anybody is in the session it is not given away
  const taken = first !== undefined && first.started !== root.started;
  const kin = new Map<number, One>();
  let unsaid = false;
  for (const one of all.values()) {
    if (one.over || one.pid === self) continue;
    if (one.started < (root.started ?? 0)) continue;
    const inSession = !taken && one.session === root.pid;
    const isDying = killed.get(one.pid) === one.started;
    const mark = inSession || isDying ? root.mark : markOf(one);
    if (mark === root.mark) kin.set(one.pid, one);
    else if (mark === UNSAID && one.parent !== KERNEL) unsaid = true;
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const one of all.values()) {
      if (one.over || kin.has(one.pid) || !kin.has(one.parent)) continue;
      kin.set(one.pid, one);
      grown = true;
    }
  }
  return { found: [...kin.values()], unsaid };
}
