import type { AlertDesk } from '../domain/alert.ts';
import type { Clock } from '../domain/doors.ts';
import type { PolicyAlarm } from '../domain/policy.ts';
import type { Store } from '../domain/store.ts';

const MOST_KEPT = 100;
/** Records of one process: a fault that every tool has must not fill the ledger. */
const MOST_RECORDED = 100;

export interface PolicyAlarmsParts {
  readonly store: Pick<Store, 'commit'>;
  readonly doors: { readonly clock: Clock };
  /** Asked for when there is something to tell. */
  readonly alerts: () => AlertDesk;
  readonly log: (line: string) => void;
}

/** How the policies of a bundle work here, worst first. */
export interface PolicyHealth {
  readonly state: 'ok' | 'fallback' | 'disagreed' | 'failed';
  readonly alarms: readonly PolicyAlarm[];
}

const WORST_FIRST = ['failed', 'disagreed', 'fallback'] as const;

/**
 * Policies that do not work as they should. Each is told once: in the log, as a note of the system chain and to webhooks
 * (`fallback`, which is no fault, in the log alone), and stands in `doctor` and `/readyz` as long as its bundle is active.
 */
export class PolicyAlarms {
  readonly #parts: PolicyAlarmsParts;
  readonly #kept = new Map<string, PolicyAlarm>();
  #recorded = 0;

  constructor(parts: PolicyAlarmsParts) {
    this.#parts = parts;
  }

  /** Never throws, and nothing waits for it. */
  told(alarm: PolicyAlarm): void {
    const { kind, bundle, tool, why } = alarm;
    const key = [bundle, tool, kind].join('\n');
    if (this.#kept.has(key)) return;
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, alarm);
    const whose = tool === null ? 'all tools' : `\`${tool}\``;
    const what = kind === 'failed' ? 'denied' : 'decided by the reference engine alone';
    this.#parts.log(`policies of bundle ${bundle.slice(0, 12)}: ${whose}: ${what}: ${why}`);
    if (kind === 'fallback') return;
    this.#parts.alerts().tell(`policy.${kind}`, { bundle, tool }, key);
    if (this.#recorded++ < MOST_RECORDED) void this.#record(alarm);
  }

  health(bundle: string): PolicyHealth {
    const alarms = [...this.#kept.values()].filter((alarm) => alarm.bundle === bundle);
    const state = WORST_FIRST.find((kind) => alarms.some((alarm) => alarm.kind === kind)) ?? 'ok';
    return { state, alarms };
  }

  async #record({ kind, bundle, tool, why }: PolicyAlarm): Promise<void> {
    const { store, doors, log } = this.#parts;
    const type = `policy.${kind}`;
    const body = { bundle, tool, why };
    await store
      .commit({ kind: 'system.note', type, body, at: doors.clock.now() })
      .catch((error: Error) => log(`${type} could not be recorded: ${error.message}`));
  }
}
