import type { Bundle, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import type { Facts } from '../domain/facts.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ArgumentProof, LineageFacts, SeenLabel } from '../domain/lineage.ts';
import type { Rung } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import { type Run, UNDECLARED_INTENT } from '../domain/run.ts';
import { inventedArguments } from '../policy/prove/invented.ts';
import type { Picture } from '../policy/prove/picture.ts';
import { SetValue } from '../policy/values.ts';
import { wholeArguments } from '../tools/narrow/input.ts';
import { argumentRecovery } from '../tools/recovery-arguments.ts';
import { sample } from '../tools/sample.ts';
import type { InputCheck } from './broker.ts';
import { rungOf } from './gather.ts';

/** An action that nobody proposed. */
export interface Example {
  readonly agent: string;
  readonly tool: Tool;
  readonly at: number;
  /** What a solver made up of it; empty where nothing turned on its facts. */
  readonly picture: Picture;
  /** Where it needs no grant of its own: a preview of a tool that is granted. */
  readonly rung: Rung | null;
}

const HOUR_MS = 3_600_000;

/** The facts of it as `gather` would make them: nothing halted, nothing spent, nobody asked. Policies are not asked yet. */
export function exampleFacts(bundle: Bundle, inputs: InputCheck, example: Example): Facts {
  const { tool, at, picture } = example;
  const run = runOf(example);
  const given = inventedArguments(tool.inputSchema, picture, sample);
  return {
    now: at,
    stamp: { halt: 0, bundle: bundle.digest },
    bundle,
    run,
    halts: [],
    haltedCredentials: [],
    toolName: tool.name,
    tool,
    connection: own(bundle.connections, tool.connection),
    rung: rungOf(bundle, run, tool.name) ?? example.rung,
    arguments: given,
    argumentsDigest: digestOf('arguments', given),
    continuation: null,
    removes: removedBy(tool, given),
    inputProblems: inputs(tool, given),
    limits: [],
    approval: null,
    unknownRepeat: null,
    policy: null,
    consulted: [],
    firings: [],
    lineage: lineageOf(tool, picture),
    measured: null,
  };
}

function removedBy(tool: Tool, given: JsonObject): string | null {
  return argumentRecovery(tool, wholeArguments(tool, given));
}

function runOf({ agent, at, picture }: Example): Run {
  const age = picture.get('run.ageSeconds');
  const depth = picture.get('run.depth');
  const actors = picture.get('run.actors');
  const subject = picture.get('run.subject');
  const others =
    actors instanceof SetValue ? actors.members.map(String).filter((name) => name !== agent) : [];
  const above = others.length > 0 ? others : Number(depth ?? 0) > 0 ? [agent] : [];
  return {
    id: 'run_example',
    root: above.length > 0 ? 'run_above' : 'run_example',
    parent: above.length > 0 ? 'run_above' : null,
    depth: Math.max(Number(depth ?? 0), above.length > 0 ? 1 : 0),
    agent,
    intent: picture.get('run.declared') === false ? UNDECLARED_INTENT : 'an example',
    state: 'live',
    startedAt: at - Number(age ?? 1) * 1_000,
    expiresAt: at + HOUR_MS,
    endedAt: null,
    budget: {},
    tools: null,
    actsFor: above.map((name) => ({ run: 'run_above', agent: name, budget: {} })),
    ...(typeof subject === 'string' && subject !== '' ? { subject } : {}),
  };
}

/** Proofs that look to policies as the picture says: as good as they can be where it says nothing. */
function lineageOf({ lineage }: Tool, picture: Picture): LineageFacts | null {
  if (lineage === undefined) return null;
  const said = picture.get('flow.proof');
  const proof = said === 'untrusted' || said === 'unknown' ? said : 'operator';
  const outside = picture.get('flow.egress') !== false;
  const proofs = lineage.authority.map(
    ({ argument, kind }): ArgumentProof => ({
      ...{ argument, kind, value: 'an example', proof, span: null },
      outside: kind === 'destination' && outside,
    }),
  );
  const labels = picture.get('flow.labels');
  const seen = labels instanceof SetValue ? labels.members.map(String) : seenBy(picture);
  return { proofs, flows: [], seen: seen as SeenLabel[] };
}

function seenBy(picture: Picture): readonly string[] {
  return [
    ...(picture.get('flow.private') === true ? ['private'] : []),
    ...(picture.get('flow.untrusted') === true ? ['untrusted'] : []),
  ];
}
