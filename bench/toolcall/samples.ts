/** A V8 CPU profile, added up. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Costs {
  /** Everything but waiting. */
  readonly busyUs: number;
  readonly bySelf: readonly (readonly [string, number])[];
  readonly byOwn: readonly (readonly [string, number])[];
}

/** Whoever calls these is meant, not they. */
const WRAPPERS = new Set(['src/store/sqlite/database.ts', 'src/domain/json.ts']);
const WAITING = new Set(['(idle)', '(root)']);

/** Microseconds a call, the `most` dearest first. */
export function costsOf(profile: CpuProfile, calls: number, most: number): Costs {
  const names = new Map<number, { readonly self: string; readonly own: string | null }>();
  const parents = new Map<number, number>();
  for (const { id, callFrame, children = [] } of profile.nodes) {
    for (const child of children) parents.set(child, id);
    const { functionName, url, lineNumber } = callFrame;
    const file = url.replace(/^.*?\/(src|node_modules|bench)\//, '$1/');
    const place = file === '' ? '' : ` ${file}:${lineNumber + 1}`;
    const self = `${functionName === '' ? '(anonymous)' : functionName}${place}`;
    names.set(id, { self, own: file.startsWith('src/') && !WRAPPERS.has(file) ? self : null });
  }
  const ownOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const own = names.get(at)?.own;
      if (own !== null && own !== undefined) return own;
    }
    return names.get(id)?.self ?? '';
  };
  const bySelf = new Map<string, number>();
  const byOwn = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const us = (profile.timeDeltas[index] ?? 0) / calls;
    const self = names.get(id)?.self ?? '';
    if (WAITING.has(self)) continue;
    busy += us;
    bySelf.set(self, (bySelf.get(self) ?? 0) + us);
    const own = ownOf(id);
    byOwn.set(own, (byOwn.get(own) ?? 0) + us);
  }
  return { busyUs: busy, bySelf: dearest(bySelf, most), byOwn: dearest(byOwn, most) };
}

function dearest(costs: ReadonlyMap<string, number>, most: number): [string, number][] {
  return [...costs].sort(([, a], [, b]) => b - a).slice(0, most);
}
