import { type Approval, type Ask, shownState, UNMEASURED } from '../../domain/approval.ts';
import type { Bundle, Connection, Tool } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import { canonical, isJsonObject, type JsonObject } from '../../domain/json.ts';
import { flowLine, proofLine } from '../../domain/lineage.ts';
import { own } from '../../domain/own.ts';
import type { Measured, ToolResult } from '../../domain/proposal.ts';
import { targetOf } from '../../judge/course.ts';
import { partsOfWire } from '../../ledger/wire-words.ts';
import { wholeArguments } from '../../tools/narrow/input.ts';
import { narrowingIn } from '../../tools/narrow/narrowing.ts';

/**
 * What an operator is shown of an ask, by page and by API alike: made from the bytes that will run and nothing else.
 * `problem` says why it must not be approved as shown; then no approval is taken.
 */
export interface AskView {
  readonly id: string;
  readonly state: Approval['state'] | 'expired';
  readonly digest: string;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly answeredBy: string | null;
  readonly answeredAt: number | null;
  readonly actionId: string;
  readonly runId: string;
  readonly agent: string;
  readonly owner: string | null;
  /** Whom it acts for, nearest first; only where one ask is shown. */
  readonly actsFor: readonly { readonly run: string; readonly agent: string }[];
  /** The agent's word. Null once the run is erased. */
  readonly intent: string | null;
  readonly tool: string;
  /** What its server calls it for people; not what is granted or called. */
  readonly title: string | null;
  readonly toolDigest: string;
  readonly effect: Tool['effect'] | null;
  readonly reversibility: Tool['reversibility'] | null;
  readonly target: string;
  readonly connection: string | null;
  readonly environment: string | null;
  readonly settings: JsonObject | null;
  /** The statement or request the arguments are put into, as the connector will use it. */
  readonly binding: JsonObject | null;
  readonly derivation: readonly string[];
  readonly arguments: JsonObject | null;
  /** Canonical bytes of the arguments; their digest is the one the approval is bound to. */
  readonly argumentsText: string | null;
  /** Canonical bytes of what goes to the target, where the operator fixed some of it; null: the arguments as they are. */
  readonly sentText: string | null;
  /** The agent's answers to what the target asked in an earlier round; as canonical bytes. */
  readonly continuationText: string | null;
  /** Where each value that carries authority comes from, and what texts carry, in words; strangers' text within. */
  readonly provenance: readonly string[];
  readonly measured: Measured | null;
  /** What the preview that is bound to the tool answered: a target's words. Null: none is bound. */
  readonly shownBy: string | null;
  readonly shownText: string | null;
  readonly preState: string | null;
  readonly problem: string | null;
}

export function askView(
  ask: Ask,
  bundle: Bundle,
  now: number,
  actsFor: AskView['actsFor'] = [],
): AskView {
  const { approval } = ask;
  const { binding } = approval;
  const tool = own(bundle.tools, binding.tool);
  const current = tool?.digest === binding.toolDigest ? tool : null;
  const connection = current === null ? null : own(bundle.connections, current.connection);
  return {
    id: approval.id,
    state: stateOf(approval, now),
    digest: approval.digest,
    askedAt: approval.askedAt,
    expiresAt: binding.expiresAt,
    answeredBy: approval.answeredBy,
    answeredAt: approval.answeredAt,
    actionId: approval.actionId,
    runId: binding.runId,
    agent: approval.agent,
    owner: own(bundle.agents, approval.agent)?.owner ?? null,
    actsFor: actsFor.map(({ run, agent }) => ({ run, agent })),
    intent: ask.runIntent,
    tool: binding.tool,
    title: titleOf(current),
    toolDigest: binding.toolDigest,
    effect: current?.effect ?? null,
    reversibility: current?.reversibility ?? null,
    target: binding.target,
    connection: connection?.name ?? null,
    environment: current?.environment ?? connection?.environment ?? null,
    settings: connection?.settings ?? null,
    binding: current === null ? null : shownBinding(current),
    derivation: current?.derivation ?? [],
    arguments: ask.arguments,
    argumentsText: ask.arguments === null ? null : canonical(ask.arguments),
    sentText: sentText(current, ask.arguments),
    continuationText: ask.continuation === null ? null : canonical(ask.continuation),
    provenance: [
      ...(ask.lineage?.proofs ?? []).map(proofLine),
      ...(ask.lineage?.flows ?? []).map(flowLine),
    ],
    measured: ask.measured,
    shownBy: current?.preview?.tool ?? null,
    shownText: ask.shown === null ? null : answerText(ask.shown),
    preState: binding.preState === UNMEASURED ? null : binding.preState,
    problem: problemOf(ask, current, connection),
  };
}

/** `production/acme-db`: where it would run, as people call it; the target with its digest when that is all there is. */
export function placeOf({ environment, connection, target }: AskView): string {
  return environment === null || connection === null ? target : `${environment}/${connection}`;
}

/** Open asks first by age: the oldest waits longest, and a new one never takes another's place on the page. */
export function openFirst(views: readonly AskView[]): readonly AskView[] {
  return [...views].sort((a, b) => a.askedAt - b.askedAt || (a.id < b.id ? -1 : 1));
}

function stateOf(approval: Approval, now: number): AskView['state'] {
  const open = approval.state === 'pending' || approval.state === 'approved';
  return open && now >= approval.binding.expiresAt ? 'expired' : approval.state;
}

function problemOf(ask: Ask, tool: Tool | null, connection: Connection | null): string | null {
  const { binding } = ask.approval;
  if (tool === null)
    return 'the tool was changed or removed since this was asked, so what would run cannot be shown';
  if (binding.target !== targetOf({ connection }))
    return 'the connection was changed since this was asked, so the target cannot be shown';
  if (ask.arguments === null) return 'the arguments were erased, so what would run cannot be shown';
  if (digestOfAsked(ask.arguments, ask.continuation) !== binding.argumentsDigest)
    return 'the stored arguments are not those the ask is bound to';
  const unmeasured = ask.shown === null ? UNMEASURED : shownState(ask.shown);
  if ((ask.measured?.preState ?? unmeasured) !== binding.preState)
    return 'the stored preview is not the one the ask is bound to';
  return null;
}

/** Nothing shortened: texts as they are, everything else as JSON. */
function answerText({ text, structured, wire, cut }: ToolResult): string {
  const parts = wire === undefined ? [] : partsOfWire(wire);
  const said =
    wire !== undefined
      ? parts.map(({ kind, text: words, bytes }) => words ?? `${kind}, ${bytes} bytes`).join('\n')
      : structured === undefined
        ? text
        : canonical(structured);
  return [said, ...cut.map((words) => `Cut: ${words}`)].join('\n');
}

function sentText(tool: Tool | null, given: JsonObject | null): string | null {
  if (tool === null || given === null || tool.binding.narrow === undefined) return null;
  return canonical(wholeArguments(tool, given));
}

/** Without the schema that its server gives: that says nothing of this call. */
function shownBinding({ binding }: Tool): JsonObject {
  const narrowing = narrowingIn(binding);
  if (narrowing === null) return binding;
  const { upstream: _, ...narrow } = narrowing;
  return { ...binding, narrow: narrow as unknown as JsonObject };
}

/** As the broker digests a proposal: with its answers, where it goes on from an earlier round. */
function digestOfAsked(given: JsonObject, continuation: Ask['continuation']): string {
  return continuation === null
    ? digestOf('arguments', given)
    : digestOf('continued', { arguments: given, continuation });
}

function titleOf(tool: Tool | null): string | null {
  const annotations = tool?.listing?.annotations;
  const said = [tool?.listing?.title, isJsonObject(annotations) ? annotations.title : undefined];
  return said.find((title) => typeof title === 'string' && title.trim() !== '')?.toString() ?? null;
}

/** What runs of an MCP server, in words; null for what is no such call. */
export function servedWords({ mcp, name, definition }: JsonObject): string | null {
  if (typeof mcp !== 'string') return null;
  if (mcp !== 'tools/call') return `${mcp} of the MCP server`;
  const pinned = typeof definition === 'string' ? `, as defined by ${definition.slice(0, 12)}` : '';
  return `the tool ${String(name)} of the MCP server${pinned}; its server alone knows what that does`;
}
