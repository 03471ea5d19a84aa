import type { Broker } from '../../broker/broker.ts';
import { type Bundle, modelsOf, type Tool } from '../../domain/bundle.ts';
import type { Caller } from '../../domain/caller.ts';
import { digestOf } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { type HaltScope, haltOver, scopesOfRun } from '../../domain/halt.ts';
import { own } from '../../domain/own.ts';
import { actorsOf, type Run } from '../../domain/run.ts';
import { type Granted, grantedTo, type Holder, listPage } from '../../protocols/mcp/catalogue.ts';
import { type MirroredParam, paramsOfBinding } from '../../protocols/mcp/mirror.ts';
import type { Offered } from '../../protocols/mcp/results.ts';

const MAX_KEPT = 256;
/** How old the bundle may be by which headers are compared: nothing is decided by it. */
const FRESH_MS = 250;
const NO_PARAMS: readonly MirroredParam[] = [];

/** What an agent, or a run, is shown of the active bundle: what may be used there, and nothing of the rest. */
export interface View {
  readonly holder: Holder;
  /** Tells holders apart that are shown different things. */
  readonly key: string;
  readonly bundle: Bundle;
  readonly granted: Granted;
  readonly offered: Offered;
  /** First pages, serialised. */
  readonly pages: Map<'tools' | 'prompts', string>;
}

export class GrantedViews {
  readonly #broker: Broker;
  /** By bundle digest and holder: what is shown depends on nothing else. */
  readonly #kept = new Map<string, View>();
  #bundle: Bundle | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #mirrored = new Map<string, readonly MirroredParam[]>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Throws RUN_OVER for a run that is gone. */
  async of(caller: Caller): Promise<View> {
    return this.ofHolder(
      caller.kind === 'agent'
        ? { agents: [caller.agent], tools: null }
        : holderOf(await this.#runOf(caller.runId)),
    );
  }

  async ofHolder(holder: Holder): Promise<View> {
    const bundle = await this.#active();
    const key = keyOf(holder);
    const kept = `${bundle.digest} ${key}`;
    const known = this.#kept.get(kept);
    if (known !== undefined) return known;
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const granted = grantedTo(bundle, holder);
    const offered = {
      resources: granted.resources.length > 0,
      prompts: granted.promptByName.size > 0,
    };
    const view = { holder, key, bundle, granted, offered, pages: new Map() };
    this.#kept.set(kept, view);
    return view;
  }

  /** The members of a list result. Throws ProtocolFault for a foreign cursor. */
  page(
    { bundle, granted, pages }: View,
    member: 'tools' | 'prompts',
    cursor: string | null,
  ): string {
    if (cursor !== null) return listPage(bundle, member, granted, cursor);
    const known = pages.get(member);
    if (known !== undefined) return known;
    const page = listPage(bundle, member, granted, null);
    pages.set(member, page);
    return page;
  }

  /** True only for a tool that is known and reads. */
  async isRead(name: string): Promise<boolean> {
    return toolOf(await this.#active(), name)?.effect === 'read';
  }

  /** The arguments of this tool that its clients mirror into headers. Not a promise where none is needed. */
  mirrored(name: string): readonly MirroredParam[] | Promise<readonly MirroredParam[]> {
    const now = this.#broker.doors.clock.monotonic();
    if (this.#bundle === null || now - this.#readAt > FRESH_MS)
      return this.#active().then((bundle) => this.#mirroredIn(bundle, name));
    return this.#mirroredIn(this.#bundle, name);
  }

  #mirroredIn(bundle: Bundle, name: string): readonly MirroredParam[] {
    const known = this.#mirrored.get(name);
    if (known !== undefined) return known;
    const tool = toolOf(bundle, name);
    if (tool === null) return NO_PARAMS;
    const params = paramsOfBinding(tool.binding.headers);
    this.#mirrored.set(name, params);
    return params;
  }

  async #active(): Promise<Bundle> {
    const bundle = await this.#broker.bundles.active();
    this.#readAt = this.#broker.doors.clock.monotonic();
    if (this.#bundle?.digest !== bundle.digest) this.#mirrored = new Map();
    this.#bundle = bundle;
    return bundle;
  }

  /** The scopes whose halt closes a stream of this caller. Throws HALTED when one stands, RUN_OVER. */
  async scopesOf(caller: Caller): Promise<readonly HaltScope[]> {
    const { holder, bundle } = await this.of(caller);
    const models = modelsOf(bundle, holder.agents);
    const scopes = [
      ...(caller.kind === 'agent'
        ? ['all', `agent:${caller.agent}`]
        : scopesOfRun(await this.#runOf(caller.runId))),
      ...models.map((model) => `model:${model}`),
    ];
    const { halts } = await this.#broker.store.haltState();
    const halt = haltOver(halts, scopes);
    if (halt !== undefined) throw new SignalboxError('HALTED', `\`${halt.scope}\` is halted`);
    return scopes;
  }

  async #runOf(runId: string): Promise<Run> {
    const run = await this.#broker.store.run(runId);
    if (run === null || run.state === 'ended')
      throw new SignalboxError('RUN_OVER', 'the run of this token is over');
    return run;
  }
}

function holderOf(run: Run): Holder {
  return { agents: actorsOf(run), tools: run.tools };
}

function keyOf({ agents, tools }: Holder): string {
  const [agent] = agents;
  if (tools === null && agents.length === 1 && agent !== undefined) return agent;
  return digestOf('holder', { agents, tools });
}

function toolOf({ tools }: Bundle, name: string): Tool | null {
  return own(tools, name);
}
