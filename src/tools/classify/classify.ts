import type { EffectClass } from '../../domain/effect.ts';
import { worseClass } from '../../domain/effect.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { foreignRecovery } from '../recovery-arguments.ts';
import { wordsOf } from '../recovery-words.ts';
import { type Authority, argumentsIn, authorityOf, isFreeText } from './arguments.ts';
import {
  ADDING,
  CHANGING,
  EMPOWERING,
  PAYING,
  READING,
  REMOVING,
  RUNNING,
  SENDING,
  TELLS_DESTROY,
  TELLS_RUN,
  TELLS_WRITE,
} from './words.ts';

export type Risk = 'low' | 'medium' | 'high';

/** What a tool of somebody else's seems to be. An estimate for humans and evaluations; it gives nobody anything. */
export interface Labels {
  readonly effect: EffectClass;
  readonly risk: Risk;
  readonly authority: readonly Authority[];
  /** It reaches people or systems outside. */
  readonly external: boolean;
  /** It removes what people recover with. */
  readonly recoveryPath: boolean;
  /** In words, each with what it was read from. */
  readonly because: readonly string[];
}

/** A tool as its server lists it. */
export interface Described {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonObject;
  readonly annotations?: JsonObject;
}

interface Sight {
  effect: EffectClass;
  risk: Risk;
  external: boolean;
  readonly because: string[];
}

const RISKS: readonly Risk[] = ['low', 'medium', 'high'];

/**
 * Labels by the words of a definition. The class begins at what the name's own verb says, `destroy` for a verb that is
 * not known; everything else (description, arguments, annotations) can only raise it. `readOnlyHint: true` and
 * `destructiveHint: false` are a stranger's promise: they are never looked at.
 */
export function labelsOf(tool: Described): Labels {
  const words = wordsOf(tool.name);
  const sight = byVerb(words);
  const raise = (effect: EffectClass, risk: Risk, why: string): void => {
    const raised = worseClass(sight.effect, effect);
    const worse = RISKS.indexOf(risk) > RISKS.indexOf(sight.risk);
    if (raised === sight.effect && !worse) return;
    sight.effect = raised;
    if (worse) sight.risk = risk;
    sight.because.push(why);
  };
  const args = argumentsIn(tool.inputSchema);
  const recoveryPath = foreignRecovery(tool.name, tool.description ?? '') !== null;
  if (recoveryPath) raise('destroy', 'high', 'its name says that it removes a way to recover');
  byName(words, sight, raise);
  byDescription(`${tool.title ?? ''}. ${tool.description ?? ''}`, raise);
  byAnnotations(tool.annotations ?? {}, raise);
  for (const argument of args) {
    const [authority] = authorityOf([argument], true);
    if (authority?.kind === 'code' && isFreeText(argument))
      raise('destroy', 'high', `\`${argument.path}\` takes what is to run`);
    if (authority?.kind === 'secret') raise('write', 'high', `\`${argument.path}\` takes a secret`);
    if (authority?.kind === 'amount' && sight.effect !== 'read')
      raise('write', 'high', `\`${argument.path}\` is an amount`);
    if (/^(?:url|uri|href|link|webhook|endpoint)s?$/i.test(argument.name) && isFreeText(argument)) {
      sight.external = true;
      raise('write', 'high', `\`${argument.path}\` is an address of the caller's choice`);
    }
  }
  const { effect, risk, external, because } = sight;
  const authority = authorityOf(args, effect !== 'read');
  return { effect, risk, authority, external, recoveryPath, because };
}

/** The class that a human may be asked to accept: what is risky stays at the worst whatever it seems to be. */
export function proposedClass({ effect, risk }: Pick<Labels, 'effect' | 'risk'>): EffectClass {
  return risk === 'high' ? 'destroy' : effect;
}

/** A verb counts where names begin; `bulk_`, `api-` and the like may stand before it. */
const BEFORE = new Set([
  'bulk',
  'batch',
  'multi',
  'async',
  'api',
  'mcp',
  'tool',
  'do',
  'force',
  'safe',
  'quick',
]);

function byVerb(words: readonly string[]): Sight {
  const verb = words.find((word) => !BEFORE.has(word)) ?? '';
  const sight = (effect: EffectClass, risk: Risk, what: string): Sight => ({
    ...{ effect, risk, external: false },
    because: [`\`${verb}\` ${what}`],
  });
  if (REMOVING.has(verb)) return sight('destroy', 'high', 'takes away or replaces');
  if (RUNNING.has(verb)) return sight('destroy', 'high', 'runs something');
  if (PAYING.has(verb)) return { ...sight('write', 'high', 'moves money'), external: true };
  if (SENDING.has(verb)) return { ...sight('write', 'high', 'reaches others'), external: true };
  if (CHANGING.has(verb)) return sight('write', 'medium', 'changes what is there');
  if (ADDING.has(verb)) return sight('write', 'medium', 'adds something');
  if (READING.has(verb)) return sight('read', 'low', 'only looks, as names go');
  return sight('destroy', 'high', 'says nothing that is known here');
}

type Raise = (effect: EffectClass, risk: Risk, why: string) => void;

/** Words after the verb: `get_or_create`, `list_and_delete`, `read_env`. */
function byName(words: readonly string[], sight: Sight, raise: Raise): void {
  for (const word of words.slice(1)) {
    const told = `its name has \`${word}\``;
    if (REMOVING.has(word) && word !== 'close' && word !== 'force') raise('destroy', 'high', told);
    if (ADDING.has(word) && word !== 'new' && word !== 'draft' && word !== 'comment')
      if (word !== 'post' && word !== 'copy' && word !== 'reply') raise('write', 'medium', told);
    if (word === 'shell' || word === 'exec' || word === 'eval') raise('destroy', 'high', told);
    if (EMPOWERING.has(word)) raise(sight.effect, 'high', told);
    if (PAYING.has(word) && sight.effect !== 'read') raise('write', 'high', told);
    if (SENDING.has(word) && sight.effect !== 'read') sight.external = true;
  }
}

function byDescription(text: string, raise: Raise): void {
  const destroys = TELLS_DESTROY.exec(text);
  if (destroys !== null) raise('destroy', 'high', `its description says \`${destroys[0]}\``);
  const writes = TELLS_WRITE.exec(text);
  if (writes !== null) raise('write', 'medium', `its description says \`${said(writes[0])}\``);
  const runs = TELLS_RUN.exec(text);
  if (runs !== null) raise('destroy', 'high', `its description says \`${said(runs[0])}\``);
}

function said(text: string): string {
  return text.replace(/^[.;:\s]+/, '').slice(0, 40);
}

/** Only what says more than was known counts; by the protocol what changes things destroys unless it says otherwise. */
function byAnnotations(annotations: JsonObject, raise: Raise): void {
  if (!isJsonObject(annotations)) return;
  const { readOnlyHint, destructiveHint, openWorldHint } = annotations;
  if (readOnlyHint === false) raise('write', 'medium', 'its server says that it changes things');
  if (destructiveHint === true && readOnlyHint !== true)
    raise('destroy', 'high', 'its server says that it may destroy');
  if (readOnlyHint === false && destructiveHint === undefined)
    raise('destroy', 'high', 'its server does not say that it only adds');
  if (openWorldHint === true) raise('read', 'medium', 'its server says that it reaches outside');
}
