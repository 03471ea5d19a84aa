import type { Bundle } from '../domain/bundle.ts';
import type { Canary, Consult, ConsultBudget, ModelConsult } from '../domain/consult.ts';
import type { EffectClass } from '../domain/effect.ts';
import { canonical, isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { listOf, members, pointer } from './meaning.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { MAX_TOKENS } from './schema-consults.ts';
import type { Source } from './source.ts';

const TIMEOUT_MS = { model: 15_000, authzen: 2_000 } as const;
export function consultsOf(consults: JsonObject): readonly Consult[] {
  return Object.entries(consults).map(([name, value]) => consultOf(name, members(value)));
}

function consultOf(name: string, value: JsonObject): Consult {
  const { kind, url, secret, allowPrivate, timeoutMs, about, tools } = value;
  const isModel = kind === 'model';
  const shared = {
    name,
    url: String(url).replace(/\/+$/, ''),
    ...(typeof secret === 'string' ? { secret } : {}),
    allowPrivate: allowPrivate === true,
    timeoutMs:
      typeof timeoutMs === 'number' ? timeoutMs : TIMEOUT_MS[isModel ? 'model' : 'authzen'],
    about: (Array.isArray(about) ? about : ['write', 'destroy']) as readonly EffectClass[],
    ...(Array.isArray(tools) ? { tools: tools.map(String).sort() } : {}),
  };
  if (!isModel)
    return { ...shared, kind: 'authzen', canaries: listOf(value.canaries).map(canaryOf) };
  const { api, model, maxTokens, guidance, price, budget } = value;
  return {
    ...shared,
    kind: 'model',
    api: api === 'anthropic' ? 'anthropic' : 'openai',
    model: String(model),
    maxTokens: typeof maxTokens === 'number' ? maxTokens : MAX_TOKENS,
    ...(typeof guidance === 'string' ? { guidance } : {}),
    ...(isJsonObject(price) ? { price: price as unknown as ModelConsult['price'] & object } : {}),
    ...(isJsonObject(budget) ? { budget: budget as ConsultBudget } : {}),
  };
}

function canaryOf(value: Json): Canary {
  const { agent, tool, arguments: given, expect } = members(value);
  return {
    agent: String(agent),
    tool: String(tool),
    arguments: isJsonObject(given) ? given : {},
    expect: expect === 'allow' ? 'allow' : 'deny',
  };
}

/** A model does not judge itself; a decision point is held to a yes and a no. */
export function consultProblems(source: Source, root: JsonObject): ConfigProblem[] {
  return Object.entries(members(root.consults)).flatMap(([name, value]) => {
    const consult = members(value);
    if (consult.kind === 'model')
      return [
        ...ownModel(source, root, name, String(consult.model)),
        ...unpriced(source, name, consult),
      ];
    const expected = new Set(listOf(consult.canaries).map((canary) => members(canary).expect));
    if (consult.kind !== 'authzen' || (expected.has('allow') && expected.has('deny'))) return [];
    return [
      problem(
        'CONFIG_INVALID',
        source.at(pointer('consults', name, 'canaries'), 'key'),
        `the canaries of \`${name}\` are all to be answered alike`,
        'name at least one with `expect: allow` and one with `expect: deny`',
      ),
    ];
  });
}

/** An unknown price is not nothing: no budget of money can hold it. */
function unpriced(source: Source, name: string, { budget, price }: JsonObject): ConfigProblem[] {
  const limits = Object.entries(members(budget));
  return limits
    .filter(([, most]) => price === undefined && members(most).moneyMicros !== undefined)
    .map(([scope]) =>
      problem(
        'CONFIG_INVALID',
        source.at(pointer('consults', name, 'budget', scope, 'moneyMicros')),
        `\`${name}\` has a budget of money and no \`price\``,
        'say what a million tokens cost: `price: { in: 3, out: 15 }`',
      ),
    );
}

function ownModel(source: Source, root: JsonObject, name: string, model: string): ConfigProblem[] {
  const agents = Object.entries(members(root.agents)).filter(([, agent]) => {
    const used = members(agent).model;
    return typeof used === 'string' && bare(used) === bare(model);
  });
  return agents.map(([agent]) =>
    problem(
      'CONFIG_INVALID',
      source.at(pointer('consults', name, 'model')),
      `\`${model}\` would judge agent \`${agent}\`, which uses it itself`,
      'let another model judge: what talked one into an action may talk the same one into allowing it',
    ),
  );
}

/** The same model has several names: with its provider in front, and dated. */
function bare(model: string): string {
  return model
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/[-@:](?:\d{4}-?\d{2}-?\d{2}|latest)$/, '');
}

/** How what is asked outside lets more pass, or more out, than before. */
export function consultWidens(name: string, before: Bundle, after: Bundle): string[] {
  const find = ({ consults = [] }: Bundle) => consults.find((one) => one.name === name);
  const [was, is] = [find(before), find(after)];
  if (is === undefined) return [`\`${name}\` is no longer asked about anything`];
  const leaves = `what agents propose, with its arguments, goes to \`${is.url}\``;
  if (was === undefined) return [leaves];
  return canonical(was) === canonical(is)
    ? []
    : [
        `\`${name}\` is asked otherwise than before: read both versions`,
        ...(was.url === is.url ? [] : [leaves]),
      ];
}
