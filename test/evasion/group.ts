/** What the evasion suite is made of. A new kind of target is a file that exports a `Group`, and a line in groups.ts. */

/** Attacks and honest work against one kind of tool. */
export interface Group {
  /** `sql-arguments`, `http`, `argv`, … */
  readonly name: string;
  /** Starts a real target and a real Signalbox in front of it. */
  open(): Promise<Stand>;
}

export interface Stand {
  readonly cases: readonly Case[];
  readonly controls: readonly Control[];
  close(): Promise<void>;
}

/** One way around a tool. */
export interface Case {
  /** Unique in its group; says what is tried, in the words of the one who tries it. */
  readonly name: string;
  /** Tries it, then asks the target. What got out or changed there, one line each; empty: it did not escape. */
  attempt(): Promise<readonly string[]>;
}

/** Honest work that looks similar: a guard that refuses everything would pass every case. */
export interface Control {
  readonly name: string;
  /** Null when it worked, otherwise why not. */
  attempt(): Promise<string | null>;
}

export interface Tally {
  readonly cases: number;
  readonly escaped: readonly { readonly case: string; readonly how: readonly string[] }[];
  readonly controls: { readonly tried: number; readonly passed: number };
  readonly failed: readonly { readonly control: string; readonly why: string }[];
}

/** One after the other: what changed at the target belongs to the case before. A case that throws has escaped. */
export async function tally(group: Group, tell: (line: string) => void): Promise<Tally> {
  const stand = await group.open();
  const escaped: { case: string; how: readonly string[] }[] = [];
  const failed: { control: string; why: string }[] = [];
  try {
    for (const one of stand.cases) {
      const name = `${group.name}: ${one.name}`;
      const how = await one.attempt().catch((error: Error) => [`the harness: ${error.message}`]);
      if (how.length === 0) continue;
      escaped.push({ case: name, how });
      tell(`ESCAPED ${name}: ${how.join('; ')}`);
    }
    for (const one of stand.controls) {
      const control = `${group.name}: ${one.name}`;
      const why = await one.attempt().catch((error: Error) => `the harness: ${error.message}`);
      if (why === null) continue;
      failed.push({ control, why });
      tell(`REFUSED ${control}: ${why}`);
    }
    const { cases, controls } = stand;
    const tried = controls.length;
    tell(`${group.name}: ${cases.length} cases, ${tried} controls`);
    return {
      cases: cases.length,
      escaped,
      controls: { tried, passed: tried - failed.length },
      failed,
    };
  } finally {
    await stand.close();
  }
}
