import type { Broker } from '../../broker/broker.ts';
import type { Caller } from '../../domain/caller.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { toolPage } from '../../protocols/mcp/catalogue.ts';

const MAX_KEPT = 256;

/** What each agent is shown of the active bundle: the tools it holds a grant for, and nothing of the others. */
export class ToolLists {
  readonly #broker: Broker;
  /** First pages, serialised, by bundle digest and agent: what is listed depends on nothing else. */
  readonly #kept = new Map<string, string>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The members of a list result. Throws ProtocolFault for a foreign cursor, RUN_OVER for a run that is gone. */
  async page(caller: Caller, cursor: string | null): Promise<string> {
    const agent = caller.kind === 'agent' ? caller.agent : await this.#agentOf(caller.runId);
    const bundle = await this.#broker.bundles.active();
    if (cursor !== null) return toolPage(bundle, agent, cursor);
    const key = `${bundle.digest} ${agent}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const page = toolPage(bundle, agent, null);
    this.#kept.set(key, page);
    return page;
  }

  /** True only for a tool that is known and reads. */
  async isRead(name: string): Promise<boolean> {
    const { tools } = await this.#broker.bundles.active();
    return Object.hasOwn(tools, name) && tools[name]?.effect === 'read';
  }

  async #agentOf(runId: string): Promise<string> {
    const run = await this.#broker.store.run(runId);
    if (run === null || run.state === 'ended')
      throw new SignalboxError('RUN_OVER', 'the run of this token is over');
    return run.agent;
  }
}
