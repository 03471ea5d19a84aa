import type { Connection, Tool } from '../domain/bundle.ts';
import { isJsonObject } from '../domain/json.ts';
import type { LineageFacts, ToolLineage } from '../domain/lineage.ts';
import { mayLeave } from '../domain/outward.ts';
import { EntityValue, type RecordValue, SetValue } from './values.ts';

/*
 * The group `flow`: where words came from and where they go. Of a tool that declares no lineage the worst is taken of
 * what its run has read, and what its connection and the names of its arguments say of where it sends.
 */

const WORST: RecordValue = {
  egress: true,
  private: true,
  untrusted: true,
  changesDestination: true,
  proof: new EntityValue('Proof', 'unknown'),
  labels: new SetValue([]),
};

/** Members that are the same for every action of a tool. A read that sends something out is a `write`: no read does. */
export type FlowConstants = {
  readonly egress?: boolean;
  readonly changesDestination?: boolean;
};

export function flowConstants(tool: Tool, connection: Connection | null): FlowConstants {
  if (tool.effect === 'read') return { egress: false, changesDestination: false };
  const leaves = connection === null || mayLeave(connection);
  const { lineage } = tool;
  if (lineage === undefined)
    return { egress: leaves, changesDestination: namesDestination(tool.inputSchema) };
  if (hasDestination(lineage)) return { changesDestination: !lineage.outward };
  return { egress: leaves || lineage.outward, changesDestination: false };
}

/** `facts` null: the tool declares no lineage. */
export function flowFacts(facts: LineageFacts | null, constants: FlowConstants): RecordValue {
  if (facts === null) return { ...WORST, ...constants };
  const { proofs, seen } = facts;
  const destinations = proofs.filter(({ kind }) => kind === 'destination');
  return {
    // without a destination among the arguments nobody knows where it goes
    egress: destinations.length === 0 || destinations.some(({ outside }) => outside),
    private: seen.includes('private') || seen.includes('pii'),
    untrusted: seen.includes('untrusted'),
    changesDestination: destinations.length > 0,
    proof: new EntityValue('Proof', proofOf(facts)),
    labels: new SetValue([...seen]),
    ...constants,
  };
}

/** The worst of them. */
function proofOf({ proofs }: LineageFacts): string {
  if (proofs.some(({ proof }) => proof === 'untrusted')) return 'untrusted';
  return proofs.some(({ proof }) => proof === 'unknown') ? 'unknown' : 'proven';
}

function hasDestination({ authority }: ToolLineage): boolean {
  return authority.some(({ kind }) => kind === 'destination');
}

const DESTINATION =
  /(?:^|_)(?:to|cc|bcc|recipients?|destinations?|iban|accounts?|payees?|webhooks?|callbacks?|forward(?:ed|ing)?|e?mails?|urls?|uris?|address(?:es)?|phones?)(?:_|$)/;

function namesDestination({ properties }: Tool['inputSchema']): boolean {
  if (!isJsonObject(properties)) return false;
  return Object.keys(properties).some((name) =>
    DESTINATION.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()),
  );
}
