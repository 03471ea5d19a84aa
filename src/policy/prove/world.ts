import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Policies } from '../../domain/policy.ts';
import { TREE } from '../../domain/run.ts';
import { attributesOf, type Projection } from '../arguments.ts';
import type { CedarType } from '../cedar-type.ts';
import { constantsOf } from '../context.ts';
import { ENUMS, GROUPS, toolFacts } from '../facts-schema.ts';
import { flowFacts } from '../flow.ts';
import { EntityValue, type RecordValue } from '../values.ts';
import { schemaBounds } from './bounds.ts';
import { ANY, type Fields, known, Names, type OpenSet, type Symbolic } from './symbol.ts';
import { and, literalLong, literalText, NO, not, or, type Term, YES } from './term.ts';

/** Of whose actions of which tool is it asked? */
export interface Subject {
  readonly tool: Tool;
  readonly connection: Connection | null;
  readonly policies: Policies;
  /** Everybody who may propose it, so that it could come to what is asked about. */
  readonly agents: readonly string[];
  /** Those and everybody else for whom one of them may act. */
  readonly actors: readonly string[];
  /** Users on whose behalf it may be used. */
  readonly users: readonly string[];
  /** In ms since the epoch: what is over by then is no more. */
  readonly now: number;
}

/** A term whose value tells something of an action. `path`: `run`, `depth`. */
export interface Read {
  readonly term: string;
  readonly path: readonly string[];
  readonly sort: 'Bool' | 'Int' | 'String';
}

/**
 * Everything that can differ from one action of a tool to the next, as gather makes facts (context.ts): what is the same
 * for all of them is known, everything else a term that is held to what is possible.
 */
export class World {
  readonly names = new Names();
  readonly agent: Symbolic;
  readonly groups: { readonly [group: string]: Symbolic };
  readonly reads: Read[] = [];
  readonly sets: { readonly path: readonly string[]; readonly set: OpenSet }[] = [];
  readonly #subject: Subject;
  readonly #bounds: Term[] = [];
  #count = 0;

  constructor(subject: Subject, args: Projection) {
    const { tool, connection, policies } = subject;
    this.#subject = subject;
    const constants = constantsOf(tool, connection, policies);
    this.agent = this.#agentOf(subject.agents);
    const cap = { measured: false, ...tool.cap };
    this.groups = {
      tool: known(toolFacts(tool, connection)),
      effect: known(cap),
      run: this.#run(),
      clock: this.#clock(),
      flow:
        tool.lineage === undefined
          ? known(flowFacts(null, constants.flow))
          : this.#flow(constants.flow),
      args: this.#record({ kind: 'Record', attributes: attributesOf(args) }, ['args']),
    };
    for (const { name, from, least, most, among } of schemaBounds(tool.inputSchema)) {
      if (args.get(name)?.from !== from) continue;
      const read = this.reads.find(
        ({ path }) => path.length === 2 && path.join('.') === `args.${name}`,
      );
      if (read === undefined) continue;
      if (least !== null) this.#bounds.push(`(>= ${read.term} ${literalLong(least)})`);
      if (most !== null) this.#bounds.push(`(<= ${read.term} ${literalLong(most)})`);
      const texts = among?.map(literalText) ?? [];
      if (among !== null && texts.every((text) => text !== null))
        this.#bounds.push(or(...texts.map((text) => `(= ${read.term} ${text})`)));
    }
  }

  /** What every action of this tool is held to; to be asked for once everything is encoded. */
  get bounds(): Term {
    return and(...this.#bounds, ...this.#setBounds());
  }

  #agentOf(agents: readonly string[]): Symbolic {
    const [only] = agents;
    if (agents.length === 1 && only !== undefined) return known(new EntityValue('Agent', only));
    const term = this.#read('Int', ['agent']);
    const ids = agents.map((name) => this.names.idOf(`Agent::${name}`));
    this.#bounds.push(or(...ids.map((id) => `(= ${term} ${id})`)));
    return { kind: 'Entity', type: 'Agent', term };
  }

  /** That the agent of the action is this one. */
  isAgent(name: string): Term {
    const { agent } = this;
    if (agent.kind === 'Entity') return `(= ${agent.term} ${this.names.idOf(`Agent::${name}`)})`;
    return agent.kind === 'known' && (agent.value as EntityValue).id === name ? YES : NO;
  }

  #run(): Symbolic {
    const { users } = this.#subject;
    const record = this.#record(GROUPS.run, ['run']);
    const fields: { [name: string]: Fields[string] } = { ...fieldsOf(record) };
    if (users.length === 0) {
      fields.onBehalf = { isThere: YES, of: known(false) };
      fields.subject = { isThere: YES, of: known('') };
    } else {
      const [onBehalf, subject] = [termIn(fields, 'onBehalf'), termIn(fields, 'subject')];
      const texts = users.flatMap((name) => literalText(name) ?? []);
      if (texts.length === users.length)
        this.#bounds.push(
          or(and(onBehalf, or(...texts.map((text) => `(= ${subject} ${text})`))), not(onBehalf)),
          or(onBehalf, `(= ${subject} "")`),
        );
    }
    const depth = termIn(fields, 'depth');
    this.#bounds.push(`(>= ${depth} 0)`, `(<= ${depth} ${TREE.depth})`);
    this.#bounds.push(`(>= ${termIn(fields, 'ageSeconds')} 0)`);
    return { kind: 'Record', fields };
  }

  #clock(): Symbolic {
    const { hours, freezes = [] } = this.#subject.policies;
    const fields: { [name: string]: Fields[string] } = {
      ...fieldsOf(this.#record(GROUPS.clock, ['clock'])),
    };
    const [hour, minute] = [termIn(fields, 'hour'), termIn(fields, 'minute')];
    const weekday = termIn(fields, 'weekday');
    for (const [term, least, most] of [
      [hour, 0, 23],
      [minute, 0, 59],
      [weekday, 1, 7],
    ] as const)
      this.#bounds.push(`(>= ${term} ${least})`, `(<= ${term} ${most})`);
    if (freezes.every(({ until }) => until <= this.#subject.now))
      fields.frozen = { isThere: YES, of: known(false) };
    if (hours === undefined) fields.offHours = { isThere: YES, of: known(false) };
    else {
      const since = `(+ (* 60 ${hour}) ${minute})`;
      const atWork = and(
        or(...hours.days.map((day) => `(= ${weekday} ${day})`)),
        `(>= ${since} ${hours.from})`,
        `(< ${since} ${hours.until})`,
      );
      const off = termIn(fields, 'offHours');
      this.#bounds.push(or(off, atWork), or(not(off), not(atWork)));
    }
    return { kind: 'Record', fields };
  }

  #flow(constants: RecordValue): Symbolic {
    const fields: { [name: string]: Fields[string] } = {
      ...fieldsOf(this.#record(GROUPS.flow, ['flow'])),
    };
    const labels = fields.labels?.of;
    if (labels?.kind === 'OpenSet') {
      const has = (label: string): Term => {
        labels.asked.add(`"${label}"`);
        return `(${labels.name} "${label}")`;
      };
      const iff = (a: Term, b: Term): Term => and(or(not(a), b), or(a, not(b)));
      this.#bounds.push(
        iff(termIn(fields, 'private'), or(has('private'), has('pii'))),
        iff(termIn(fields, 'untrusted'), has('untrusted')),
      );
    }
    for (const [name, value] of Object.entries(constants))
      fields[name] = { isThere: YES, of: known(value) };
    return { kind: 'Record', fields };
  }

  #record(type: CedarType, path: readonly string[]): Symbolic {
    if (type.kind !== 'Record') return ANY;
    const fields = Object.entries(type.attributes).map(([name, { type: inner, required }]) => {
      const at = [...path, name];
      const isThere = required ? YES : this.#read('Bool', [...at, '?']);
      return [name, { isThere, of: this.#symbol(inner, at) }] as const;
    });
    return { kind: 'Record', fields: Object.fromEntries(fields) };
  }

  #symbol(type: CedarType, path: readonly string[]): Symbolic {
    switch (type.kind) {
      case 'Bool':
        return { kind: 'Bool', term: this.#read('Bool', path) };
      case 'Long': {
        const term = this.#read('Int', path);
        this.#bounds.push(`(<= (- ${EXACT}) ${term})`, `(<= ${term} ${EXACT})`);
        return { kind: 'Long', term };
      }
      case 'String':
        return { kind: 'String', term: this.#read('String', path) };
      case 'Entity': {
        const term = this.#read('Int', path);
        const ids = ENUMS[type.name as keyof typeof ENUMS].map((id) =>
          this.names.idOf(`${type.name}::${id}`),
        );
        this.#bounds.push(or(...ids.map((id) => `(= ${term} ${id})`)));
        return { kind: 'Entity', type: type.name, term };
      }
      case 'Set':
        return this.#set(type.of, path);
      case 'Record':
        return this.#record(type, path);
    }
  }

  #set(of: CedarType, path: readonly string[]): Symbolic {
    if (of.kind !== 'Bool' && of.kind !== 'Long' && of.kind !== 'String') {
      this.names.uncovered.add(`the set \`${path.join('.')}\``);
      return ANY;
    }
    const name = this.names.open(`s${this.#count++}`, of.kind === 'Long' ? 'Int' : of.kind);
    const set: OpenSet = { kind: 'OpenSet', name, of: of.kind, asked: new Set() };
    this.sets.push({ path, set });
    return set;
  }

  #read(sort: Read['sort'], path: readonly string[]): string {
    const term = this.names.declare(`x${this.#count++}`, sort);
    this.reads.push({ term, path, sort });
    return term;
  }

  /** What is in a set is one of those that can be in it. */
  #setBounds(): Term[] {
    const { agents, actors } = this.#subject;
    const bounds: Term[] = [];
    for (const { path, set } of this.sets) {
      const at = path.join('.');
      if (at !== 'run.actors' && at !== 'flow.labels') continue;
      const among = at === 'run.actors' ? actors : ['private', 'pii', 'untrusted'];
      for (const term of set.asked) {
        const isIn = `(${set.name} ${term})`;
        const texts = among.flatMap((one) => literalText(one) ?? []);
        if (texts.length === among.length)
          bounds.push(or(not(isIn), ...texts.map((text) => equal(term, text))));
        if (at === 'flow.labels') continue;
        const itself = or(
          ...agents.map((name) => and(this.isAgent(name), equal(term, literalText(name) ?? term))),
        );
        bounds.push(or(not(itself), isIn));
        const depth = this.reads.find((read) => read.path.join('.') === 'run.depth')?.term ?? '1';
        bounds.push(or(not(`(= ${depth} 0)`), not(isIn), itself));
      }
    }
    return bounds;
  }
}

/** Beyond it no argument is exact. */
const EXACT = String(Number.MAX_SAFE_INTEGER);

function fieldsOf(of: Symbolic): Fields {
  return of.kind === 'Record' ? of.fields : {};
}

function termIn(fields: Fields, name: string): string {
  const of = fields[name]?.of;
  if (of?.kind === 'known') return of.value === true ? 'true' : 'false';
  return of !== undefined && 'term' in of ? String(of.term) : 'false';
}

function equal(a: string, b: string): Term {
  if (a === b) return YES;
  return a.startsWith('"') && b.startsWith('"') ? NO : `(= ${a} ${b})`;
}
