/**
 * One campaign: start, load, then kill after kill, each at its aim; in the end everything settles and is counted.
 * After every kill, with the process dead, the target is compared with what was durable at that moment.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunHandle } from './agent.ts';
import { AIMS, type Aim, LAST_AIM } from './aims.ts';
import { readEvidence } from './evidence.ts';
import { type Figures, figuresOf } from './figures.ts';
import { LedgerView } from './ledger-view.ts';
import { finishRun, freshRun, startLoad } from './load.ts';
import { perform } from './perform.ts';
import type { Proposal } from './proposals.ts';
import { member } from './wire.ts';
import { startWorld, type World } from './world.ts';

export interface Report extends Figures {
  readonly kills: number;
  readonly killsBetweenIntentAndOutcome: number;
  readonly killsAfterMark: number;
  readonly byAim: { readonly [aim: string]: { readonly kills: number; readonly between: number } };
  /** Aimed kills whose moment did not come. */
  readonly missed: number;
  readonly recovered: {
    readonly settled: number;
    readonly unknown: number;
    readonly running: number;
  };
  /** Milliseconds from the start of a process, already loaded, until it serves. */
  readonly restartMs: { readonly median: number; readonly max: number };
  readonly effects: number;
  readonly heard: { readonly [what: string]: number };
  readonly openAtEnd: number;
  readonly seconds: number;
}

const SHOTS_A_RUN = 12;
const SETTLE_MS = 10_000;
/** How long an agent that repeats at once gets before what is held is let go. */
const HELD_MS = 700;

interface Follow {
  readonly run: RunHandle;
  readonly proposal: Proposal;
  readonly atOnce: boolean;
}

export async function runCampaign(
  kills: number,
  progress: (line: string) => void,
): Promise<Report> {
  const started = performance.now();
  const world = await startWorld();
  const campaign = new Campaign(world, progress);
  try {
    return await campaign.run(kills, started);
  } finally {
    await world.stop();
  }
}

class Campaign {
  readonly #world: World;
  readonly #progress: (line: string) => void;
  readonly #view: LedgerView;
  readonly #runs: RunHandle[] = [];
  readonly #following: Promise<unknown>[] = [];
  readonly #byAim = new Map<string, { kills: number; between: number }>();
  readonly #recovered = { settled: 0, unknown: 0, running: 0 };
  readonly #restarts: number[] = [];
  readonly #checked = new Set<string>();
  #openBefore = new Set<string>();
  #afterMark = 0;
  #shots = 0;
  #missed = 0;
  #naked = 0;

  constructor(world: World, progress: (line: string) => void) {
    this.#world = world;
    this.#progress = progress;
    this.#view = new LedgerView(world.directory);
  }

  async run(kills: number, started: number): Promise<Report> {
    const { box } = this.#world;
    const load = startLoad(this.#world);
    for (let kill = 0; kill < kills; kill++) {
      const aim = kill === kills - 1 ? LAST_AIM : (AIMS[kill % AIMS.length] ?? LAST_AIM);
      await this.#kill(aim);
      if ((kill + 1) % 20 === 0) this.#progress(`${kill + 1} of ${kills} kills`);
    }
    await box.up();
    await load.stop();
    await Promise.all(this.#following);
    const openAtEnd = await this.#settled('openIntents');
    for (const run of this.#runs) await finishRun(this.#world, run);
    await this.#settled('leases');
    await box.close();
    const evidence = await readEvidence(this.#world.directory, load.narrowRuns);
    const effects = await this.#world.effects();
    const logins = await this.#world.postgres.mintedLogins();
    const figures = figuresOf(evidence, { effects, logins }, this.#world.told);
    return this.#report(figures, effects, openAtEnd, started);
  }

  async #kill(aim: Aim): Promise<void> {
    const { box } = this.#world;
    const undo: (() => Promise<void>)[] = [];
    const whileDown: (() => Promise<void>)[] = [];
    const follow: Follow[] = [];
    let killed: Promise<void> | null = null;
    const kill = (): void => {
      killed ??= box.kill();
    };
    if (aim.waitsForStart) await box.up();
    const run = aim.waitsForStart ? await this.#run() : { id: '', token: '' };
    const hit = await aim.strike({
      world: this.#world,
      run,
      kill,
      follow: (proposal, atOnce = false) => void follow.push({ run, proposal, atOnce }),
      afterwards: (deed) => void undo.push(deed),
      whileDown: (deed) => void whileDown.push(deed),
    });
    if (!hit) this.#missed++;
    kill();
    await killed;
    await this.#look(hit ? aim.name : 'missed');
    for (const deed of whileDown) await deed();
    const back = this.#start(undo, follow);
    // What waits at the target is let go only when Signalbox has come back and looked at it.
    if (undo.length > 0) await back;
  }

  /** Starts it again; when it serves, locks are let go and the agents repeat what they got no answer to. */
  #start(undo: readonly (() => Promise<void>)[], follow: readonly Follow[]): Promise<void> {
    const { box } = this.#world;
    const from = performance.now();
    box.start();
    const up = box.up().then(
      async ({ recovered }) => {
        this.#restarts.push(performance.now() - from);
        for (const part of ['settled', 'unknown', 'running'] as const)
          this.#recovered[part] += recovered[part];
      },
      () => {},
    );
    const back = up.then(async () => {
      const repeat = ({ run, proposal }: Follow) => perform(this.#world, run, proposal);
      const early = Promise.all(follow.filter(({ atOnce }) => atOnce).map(repeat));
      if (follow.some(({ atOnce }) => atOnce)) await Promise.race([early, sleep(HELD_MS)]);
      for (const deed of undo) await deed();
      await early;
      for (const later of follow) if (!later.atOnce) await repeat(later);
    });
    back.catch(() => {});
    this.#following.push(back);
    return back;
  }

  /** With the process dead: what stood between intent and outcome, and effects that no intent stands for. */
  async #look(aim: string): Promise<void> {
    const open = this.#view.openIntents();
    const fresh = open.filter(({ action }) => !this.#openBefore.has(action));
    this.#openBefore = new Set(open.map(({ action }) => action));
    if (fresh.some(({ marked }) => marked)) this.#afterMark++;
    const tally = this.#byAim.get(aim) ?? { kills: 0, between: 0 };
    tally.kills++;
    if (fresh.length > 0) tally.between++;
    this.#byAim.set(aim, tally);
    for (const marker of (await this.#world.effects()).keys()) {
      if (this.#checked.has(marker)) continue;
      this.#checked.add(marker);
      const proposal = this.#world.proposals.get(marker);
      if (proposal === undefined || this.#view.progress(proposal.tool, proposal.args) === null)
        this.#naked++;
    }
    this.#view.close();
  }

  async #run(): Promise<RunHandle> {
    const known = this.#runs.at(-1);
    if (known !== undefined && this.#shots++ % SHOTS_A_RUN !== 0) return known;
    const run = await freshRun(this.#world, 'aimed writes');
    this.#runs.push(run);
    return run;
  }

  /** Waits until the operator's page shows none; how many it showed at last. */
  async #settled(what: 'openIntents' | 'leases'): Promise<number> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const { operatorsUrl } = await this.#world.box.up();
      const status = await this.#world.operator.status(operatorsUrl);
      const shown = member(status ?? {}, what);
      const left = Array.isArray(shown) ? shown.length : 0;
      if ((left === 0 && status !== null) || performance.now() > until) return left;
      await sleep(50);
    }
  }

  #report(
    figures: Figures,
    effects: ReadonlyMap<string, number>,
    openAtEnd: number,
    started: number,
  ): Report {
    const tallies = [...this.#byAim.values()];
    const restarts = this.#restarts.sort((a, b) => a - b);
    return {
      kills: tallies.reduce((sum, { kills }) => sum + kills, 0),
      killsBetweenIntentAndOutcome: tallies.reduce((sum, { between }) => sum + between, 0),
      ...figures,
      effectsWithoutIntent: figures.effectsWithoutIntent + this.#naked,
      killsAfterMark: this.#afterMark,
      byAim: Object.fromEntries(this.#byAim),
      missed: this.#missed,
      recovered: this.#recovered,
      restartMs: {
        median: Math.round(restarts[Math.floor(restarts.length / 2)] ?? 0),
        max: Math.round(restarts.at(-1) ?? 0),
      },
      effects: effects.size,
      heard: Object.fromEntries([...this.#world.heard].sort()),
      openAtEnd,
      seconds: Math.round((performance.now() - started) / 1_000),
    };
  }
}
