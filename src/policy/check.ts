import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import type { Tool } from '../domain/bundle.ts';
import { projectionOf } from './arguments.ts';
import { EngineFailure, Reference } from './reference.ts';
import { schemaOf } from './schema.ts';
import { tooMuch } from './text-guard.ts';

/** Something that is wrong with a text of policies. `source` null: with what the pack says of these tools. */
export interface PolicyProblem {
  readonly source: string | null;
  readonly message: string;
  /** From 1. */
  readonly line: number | null;
  readonly help: string | null;
}

export interface CheckedPolicies {
  /** By id, as Cedar's formatter writes them. */
  readonly set: { readonly [id: string]: string };
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly string[];
}

export interface PolicyTextSource {
  readonly name: string;
  readonly text: string;
}

const ID = /^[a-z][a-z0-9._-]{0,99}$/;
const MOST_POLICIES = 1_000;
/** Ids of the pack begin so. */
const OURS = 'signalbox.';

/** Reads and validates policies against the schema of these tools. Every fault is told at once; none is thrown. */
export function checkPolicies(
  pack: { readonly [id: string]: string },
  sources: readonly PolicyTextSource[],
  tools: readonly Tool[],
): CheckedPolicies {
  const reference = new Reference();
  const problems: PolicyProblem[] = [];
  const set: { [id: string]: string } = { ...pack };
  const from = new Map<string, { readonly source: PolicyTextSource; readonly text: string }>();
  for (const source of sources)
    for (const one of partsOf(reference, source, problems)) {
      const fault = idProblem(one.id, set);
      if (fault !== null) problems.push({ ...one.at, ...fault });
      else {
        set[one.id] = one.text;
        from.set(one.id, { source, text: one.written });
      }
    }
  if (from.size > MOST_POLICIES)
    problems.push(told(null, `expected at most ${MOST_POLICIES} policies, got ${from.size}`));
  const warnings: string[] = [];
  if (problems.length === 0 && tools.length > 0)
    validate(reference, set, tools, (id, error, isError) => {
      const place = from.get(id);
      if (!isError) {
        warnings.push(`policy \`${id}\`: ${plain(error, id)}`);
        return;
      }
      const line = place === undefined ? null : lineOf(place.source.text, place.text, 0);
      const help = error.help ?? null;
      problems.push({
        source: place?.source.name ?? null,
        line,
        message: `policy \`${id}\`: ${plain(error, id)}`,
        help,
      });
    });
  return { set, problems, warnings };
}

interface Part {
  readonly id: string;
  /** As the formatter writes it, and as the author did. */
  readonly text: string;
  readonly written: string;
  readonly at: PolicyProblem;
}

function partsOf(
  reference: Reference,
  source: PolicyTextSource,
  problems: PolicyProblem[],
): Part[] {
  const { name, text } = source;
  const fault = tooMuch(text);
  if (fault !== null) {
    problems.push(told(name, fault.message, lineAt(text, fault.offset)));
    return [];
  }
  try {
    const answer = reference.use(name, (cedar) => cedar.policySetTextToParts(text));
    if (answer.type !== 'success') {
      problems.push(...answer.errors.map((error) => parseProblem(name, text, error)));
      return [];
    }
    if (answer.policy_templates.length > 0)
      problems.push(told(name, 'expected policies, got a template (`?principal`, `?resource`)'));
    return answer.policies.flatMap((written) => partOf(reference, source, written, problems));
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    problems.push(told(name, `the engine cannot read it: ${error.message}`));
    return [];
  }
}

function partOf(
  reference: Reference,
  { name, text }: PolicyTextSource,
  written: string,
  problems: PolicyProblem[],
): Part[] {
  const at = told(name, '', lineOf(text, written, 0));
  const read = reference.use(name, (cedar) => cedar.policyToJson(written));
  const formatted = reference.use(name, (cedar) =>
    cedar.formatPolicies({ policyText: written, lineWidth: 100, indentWidth: 2 }),
  );
  if (read.type !== 'success' || formatted.type !== 'success') {
    problems.push({ ...at, message: 'the engine reads it in a set and not alone' });
    return [];
  }
  const id = read.json.annotations?.id;
  if (typeof id === 'string') return [{ id, text: formatted.formatted_policy.trim(), written, at }];
  problems.push({
    ...at,
    message: 'expected an `@id` before each policy, got one without',
    help: 'write `@id("what-it-is-for")` above it: decisions are explained by it',
  });
  return [];
}

function idProblem(id: string, set: object): Pick<PolicyProblem, 'message' | 'help'> | null {
  if (!ID.test(id))
    return {
      message: `\`${id.slice(0, 60)}\` cannot be an id`,
      help: 'a small letter, then up to 99 small letters, digits, `.`, `_` and `-`',
    };
  if (Object.hasOwn(set, id))
    return { message: `there are two policies \`${id}\``, help: 'give one another `@id`' };
  if (id.startsWith(OURS))
    return {
      message: `\`${id}\`: ids that begin with \`${OURS}\` are those of the default pack`,
      help: 'choose another id; `policies.off` turns a policy of the pack off',
    };
  return null;
}

type Tell = (id: string, error: DetailedError, isError: boolean) => void;

function validate(
  reference: Reference,
  set: { readonly [id: string]: string },
  tools: readonly Tool[],
  tell: Tell,
): void {
  const schema = schemaOf(tools.map((tool) => ({ tool, args: projectionOf(tool.inputSchema) })));
  const answer = reference.use('validation', (cedar) =>
    cedar.validate({
      validationSettings: { mode: 'strict' },
      schema,
      policies: { staticPolicies: { ...set } },
    }),
  );
  if (answer.type !== 'success') {
    for (const error of answer.errors) tell('', error, true);
    return;
  }
  for (const { policyId, error } of answer.validationErrors)
    if (!isIdle(error)) tell(policyId, error, true);
    else if (!policyId.startsWith(OURS)) tell(policyId, error, false);
  for (const { policyId, error } of answer.validationWarnings)
    if (!policyId.startsWith(OURS) || !isImpossible(error)) tell(policyId, error, isScript(error));
  for (const error of answer.otherWarnings) tell('', error, false);
}

/** It concerns no tool there is: nothing is wrong with it. */
function isIdle({ message }: DetailedError): boolean {
  return message.includes('unable to find an applicable action');
}

function isImpossible({ message }: DetailedError): boolean {
  return message.includes('impossible');
}

/** Letters of several scripts, or of none: a policy must be what it looks like. */
function isScript({ message }: DetailedError): boolean {
  return /script|confusable|bidi/i.test(message);
}

function plain({ message }: DetailedError, id: string): string {
  return message.replace(`for policy \`${id}\`, `, '').slice(0, 500);
}

function parseProblem(name: string, text: string, error: DetailedError): PolicyProblem {
  const start = error.sourceLocations?.[0]?.start ?? null;
  const line = start === null ? null : lineAt(text, byteOffset(text, start));
  return { source: name, line, message: error.message.slice(0, 500), help: error.help };
}

/** Cedar counts bytes. */
function byteOffset(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString('utf8').length;
}

function lineOf(text: string, part: string, from: number): number | null {
  const offset = text.indexOf(part, from);
  return offset < 0 ? null : lineAt(text, offset);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function told(source: string | null, message: string, line: number | null = null): PolicyProblem {
  return { source, message, line, help: null };
}

/** A text of policies as Cedar's formatter writes it, or why it cannot. */
export function formatPolicies(
  text: string,
): { readonly text: string } | { readonly fault: string } {
  const guard = tooMuch(text);
  if (guard !== null) return { fault: `line ${lineAt(text, guard.offset)}: ${guard.message}` };
  try {
    const answer = new Reference().use('format', (cedar) =>
      cedar.formatPolicies({ policyText: text, lineWidth: 100, indentWidth: 2 }),
    );
    if (answer.type === 'success') return { text: `${answer.formatted_policy.trim()}\n` };
    const [first] = answer.errors.map((error) => parseProblem('', text, error));
    const line = first?.line ?? null;
    return {
      fault: `${line === null ? '' : `line ${line}: `}${first?.message ?? 'it cannot be read'}`,
    };
  } catch (error) {
    if (!(error instanceof EngineFailure)) throw error;
    return { fault: error.message };
  }
}
