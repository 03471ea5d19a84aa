import type { Bundle, Tool } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { own } from '../domain/own.ts';
import type { Freeze, Policies, WorkingHours } from '../domain/policy.ts';
import { checkPolicies } from '../policy/check.ts';
import { isTimezone } from '../policy/local-time.ts';
import { PACK } from '../policy/pack.ts';
import type { Config } from './config.ts';
import { type ConfigProblem, problem } from './problems.ts';
import { closed, text } from './schema-parts.ts';

/** Policies as a file gives them: texts, and what its own pack leaves out. Texts of files come along with it. */
export interface PolicyDeclaration {
  readonly off: readonly string[];
  readonly sources: readonly PolicySource[];
  readonly hours?: WorkingHours;
  readonly freezes: readonly Freeze[];
  /** Asked beside these, deciding nothing. */
  readonly candidate?: Pick<PolicyDeclaration, 'off' | 'sources'>;
}

interface PolicySource {
  /** A name as in `files`, or `inline`. */
  readonly name: string;
  /** Null: the file was not sent along. */
  readonly text: string | null;
  /** JSON Pointer of what names it. */
  readonly at: string;
}

/** Texts of policy files by the name that `policies.files` gives them. */
export type PolicyFiles = { readonly [name: string]: string };

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const CLOCK = '^(?:[01][0-9]|2[0-3]):[0-5][0-9]$';
const MOMENT = '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$';
export const POLICY_FILE = '^(?!.*\\.\\.)[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}\\.cedar$';

const SET = {
  files: {
    type: 'array',
    maxItems: 50,
    uniqueItems: true,
    items: text('Path of a file in Cedar, relative to this one; it becomes part of the bundle', {
      pattern: POLICY_FILE,
    }),
    description: 'Files of policies',
  },
  inline: text('Policies, each with an `@id`', { maxLength: 200_000 }),
  off: {
    type: 'array',
    uniqueItems: true,
    items: { enum: Object.keys(PACK) },
    description: 'Policies of the default pack that are not in force; each is a widening',
  },
};

export const POLICIES_SCHEMA: JsonObject = closed(
  'Rules in Cedar for every action; a default pack is on unless parts of it are turned off',
  [],
  {
    ...SET,
    candidate: closed(
      'Policies that are asked beside those in force, in their place; what they say is counted and decides nothing',
      [],
      {
        ...SET,
        off: { ...SET.off, description: 'Policies of the default pack that it does without' },
      },
    ),
    hours: closed(
      'When somebody is at work; without it no hour is an off hour',
      ['days', 'from', 'until', 'timezone'],
      {
        days: {
          type: 'array',
          minItems: 1,
          uniqueItems: true,
          items: { enum: [...DAYS] },
          description: 'Days of work',
        },
        from: text('First minute of work, `08:00`', { pattern: CLOCK }),
        until: text('First minute after it, later on the same day', { pattern: CLOCK }),
        timezone: text('Name of a time zone, `Europe/Berlin`', { maxLength: 64 }),
      },
    ),
    freezes: {
      type: 'array',
      maxItems: 100,
      items: closed('Nothing changes in production in this time', ['name', 'from', 'until'], {
        name: text('What it is called', { maxLength: 100 }),
        from: text('First frozen minute, `2026-12-20T00:00Z`', { pattern: MOMENT }),
        until: text('First minute after it', { pattern: MOMENT }),
      }),
      description: 'Times in which production is frozen',
    },
  },
);

/** `files`: what came along with the text, by name. */
export function declaredPolicies(value: Json | undefined, files: PolicyFiles): PolicyDeclaration {
  const given = isJsonObject(value) ? value : {};
  const { hours, candidate } = given;
  return {
    ...declaredSet(given, files, '/policies'),
    ...(isJsonObject(candidate)
      ? { candidate: declaredSet(candidate, files, '/policies/candidate') }
      : {}),
    ...(isJsonObject(hours) ? { hours: hoursOf(hours) } : {}),
    freezes: listed(given.freezes).map((one) => {
      const { name, from, until } = isJsonObject(one) ? one : {};
      return {
        name: String(name),
        from: Date.parse(String(from)),
        until: Date.parse(String(until)),
      };
    }),
  };
}

function declaredSet(
  { files: named, inline, off }: JsonObject,
  files: PolicyFiles,
  at: string,
): Pick<PolicyDeclaration, 'off' | 'sources'> {
  return {
    off: listed(off).map(String),
    sources: [
      ...listed(named).map((name, index) => ({
        name: String(name),
        text: own(files, String(name)),
        at: `${at}/files/${index}`,
      })),
      ...(typeof inline === 'string' ? [{ name: 'inline', text: inline, at: `${at}/inline` }] : []),
    ],
  };
}

/** The files that a text wants to have sent along. Throws nothing: what is wrong with it is found later. */
export function policyFilesNamed(value: Json): readonly string[] {
  const policies = isJsonObject(value) && isJsonObject(value.policies) ? value.policies : {};
  const fits = new RegExp(POLICY_FILE);
  const candidate = isJsonObject(policies.candidate) ? policies.candidate : {};
  const named = [...listed(policies.files), ...listed(candidate.files)];
  return [...new Set(named)].filter((one): one is string => fits.test(String(one)));
}

function listed(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function hoursOf({ days, from, until, timezone }: JsonObject): WorkingHours {
  return {
    days: listed(days)
      .map((day) => DAYS.indexOf(String(day)) + 1)
      .sort((a, b) => a - b),
    from: minutes(String(from)),
    until: minutes(String(until)),
    timezone: String(timezone),
  };
}

function minutes(clock: string): number {
  const [hour = '0', minute = '0'] = clock.split(':');
  return Number(hour) * 60 + Number(minute);
}

export interface CompiledPolicies {
  readonly policies: Policies;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** The pack, less what is off, and the file's own policies, each checked against the schema of these tools. */
export function compiledPolicies(config: Config, tools: Bundle['tools']): CompiledPolicies {
  const { hours, freezes, candidate } = config.policies;
  const active = compiledSet(config, config.policies, '/policies', tools);
  const beside =
    candidate === undefined ? null : compiledSet(config, candidate, '/policies/candidate', tools);
  return {
    policies: {
      set: active.set,
      ...(hours === undefined ? {} : { hours }),
      ...(freezes.length === 0 ? {} : { freezes }),
      ...(beside === null ? {} : { candidate: beside.set }),
    },
    problems: [...timeProblems(config), ...active.problems, ...(beside?.problems ?? [])],
    warnings: [...active.warnings, ...(beside?.warnings ?? [])],
  };
}

function compiledSet(
  config: Config,
  { off, sources }: Pick<PolicyDeclaration, 'off' | 'sources'>,
  section: string,
  tools: Bundle['tools'],
): { set: Policies['set']; problems: readonly ConfigProblem[]; warnings: readonly string[] } {
  const problems: ConfigProblem[] = [];
  const pack = Object.fromEntries(Object.entries(PACK).filter(([id]) => !off.includes(id)));
  for (const source of sources)
    if (source.text === null)
      problems.push(
        problem(
          'CONFIG_MISSING',
          config.at(source.at),
          `the file \`${source.name}\` did not come along`,
        ),
      );
  const read = sources.flatMap(({ name, text: words, at }) =>
    words === null ? [] : [{ name, text: words, at }],
  );
  const checked = checkPolicies(pack, read, ownTools(tools));
  for (const { source, message, line, help } of checked.problems) {
    const from = read.find(({ name }) => name === source);
    const place = from === undefined ? config.at(section) : config.at(from.at);
    const where =
      from === undefined ? '' : `\`${from.name}\`${line === null ? '' : ` line ${line}`}: `;
    problems.push(problem('POLICY_INVALID', place, `${where}${message}`, help ?? undefined));
  }
  const warnings = checked.warnings.map((words) => `${config.at(section, 'key')} ${words}`);
  return { set: checked.set, problems, warnings };
}

function ownTools(tools: Bundle['tools']): readonly Tool[] {
  return Object.values(tools);
}

function timeProblems(config: Config): ConfigProblem[] {
  const { hours, freezes } = config.policies;
  const bad = (at: string, message: string): ConfigProblem =>
    problem('CONFIG_INVALID', config.at(at), message);
  const wrong: ConfigProblem[] = [];
  if (hours !== undefined && hours.from >= hours.until)
    wrong.push(bad('/policies/hours/until', 'expected `until` after `from`, on the same day'));
  if (hours !== undefined && !isTimezone(hours.timezone))
    wrong.push(bad('/policies/hours/timezone', `there is no time zone \`${hours.timezone}\``));
  for (const [index, { name, from, until }] of freezes.entries())
    if (!(from < until))
      wrong.push(
        bad(
          `/policies/freezes/${index}`,
          `freeze \`${name}\`: expected two times, \`from\` before \`until\``,
        ),
      );
  return wrong;
}
