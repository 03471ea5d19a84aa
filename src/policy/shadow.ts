import type { Bundle } from '../domain/bundle.ts';
import type { Decision } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import { DecisionDiff, type DiffReport } from './decision-diff.ts';
import { type Pause, PolicyRoom } from './policies.ts';
import { Reference } from './reference.ts';

/** What a candidate would have decided otherwise on this replica, since it first saw a decision under this bundle. */
export interface ShadowReport extends DiffReport {
  readonly bundle: string;
  readonly since: number;
  readonly decisions: number;
  /** Came faster than they could be looked at: not counted among the decisions. */
  readonly dropped: number;
}

export interface ShadowParts {
  readonly pause: Pause;
  readonly judge: (facts: Facts) => Decision;
  /** The first disagreement of a candidate, and its standing now and then while there are more. */
  readonly tell: (report: ShadowReport) => void;
}

const MOST_WAITING = 256;
const AT_ONCE = 8;
const TELL_EVERY_MS = 600_000;

interface Waiting {
  readonly facts: Facts;
  readonly decision: Decision;
}

/**
 * A candidate beside the policies in force: every decision is judged again with what it would have said, after the call
 * went on, a few at a time. It counts and keeps examples; what it says decides nothing. One candidate at a time: that of
 * the newest bundle seen. Without one in a bundle nothing is kept and nothing is done.
 */
export class Shadow {
  readonly #parts: ShadowParts;
  readonly #room: PolicyRoom;
  #of: Standing | null = null;
  #waiting: Waiting[] = [];
  #isLooking = false;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
    this.#room = new PolicyRoom(undefined, () => new Reference(), parts.pause);
  }

  saw(facts: Facts, decision: Decision): void {
    const standing = this.#standing(facts);
    if (this.#waiting.length >= MOST_WAITING) {
      standing.dropped++;
      return;
    }
    this.#waiting.push({ facts, decision });
    if (this.#isLooking) return;
    this.#isLooking = true;
    const over = (): void => {
      this.#isLooking = false;
    };
    this.#look().then(over, over); // what stands in the way of one decision is gone with it
  }

  /** Null: no decision was seen under this bundle. */
  report(bundle: string): ShadowReport | null {
    return this.#of?.bundle.digest === bundle ? reportOf(this.#of) : null;
  }

  #standing({ bundle, now }: Facts): Standing {
    if (this.#of?.bundle.digest === bundle.digest) return this.#of;
    this.#waiting = [];
    this.#of = {
      ...{ bundle, candidate: candidateOf(bundle), since: now, diff: new DecisionDiff() },
      ...{ decisions: 0, dropped: 0, told: null },
    };
    return this.#of;
  }

  async #look(): Promise<void> {
    while (this.#waiting.length > 0) {
      const standing = this.#of;
      if (standing === null) return;
      await this.#room.ready(standing.candidate);
      await this.#parts.pause();
      if (this.#of !== standing) continue;
      for (const one of this.#waiting.splice(0, AT_ONCE)) this.#judged(standing, one);
    }
  }

  #judged(standing: Standing, { facts, decision }: Waiting): void {
    const policy = this.#room.rulingFor({ ...facts, bundle: standing.candidate });
    const other = this.#parts.judge({ ...facts, policy });
    standing.decisions++;
    const { run, tool, toolName, now } = facts;
    if (other.mode === decision.mode || run === null) return;
    const why = other.verdicts.find(({ check }) => check === 'policy')?.reason ?? '';
    standing.diff.note(
      {
        ...{ action: null, run: run.id, agent: run.agent, tool: toolName, at: now },
        ...{ before: decision.mode, after: other.mode, why },
      },
      tool?.effect === 'read',
    );
    if (standing.told !== null && now - standing.told < TELL_EVERY_MS) return;
    standing.told = now;
    this.#parts.tell(reportOf(standing));
  }
}

interface Standing {
  readonly bundle: Bundle;
  readonly candidate: Bundle;
  readonly since: number;
  readonly diff: DecisionDiff;
  decisions: number;
  dropped: number;
  /** When it was last told; null: never. */
  told: number | null;
}

/** The same bundle with the candidate in force. */
function candidateOf(bundle: Bundle): Bundle {
  const { policies = { set: {} }, digest } = bundle;
  const { candidate = {}, ...others } = policies;
  return { ...bundle, digest: `${digest} candidate`, policies: { ...others, set: candidate } };
}

function reportOf({ bundle, since, decisions, dropped, diff }: Standing): ShadowReport {
  return { bundle: bundle.digest, since, decisions, dropped, ...diff.report() };
}
