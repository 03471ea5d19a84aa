import type { Bundle, Tool } from '../domain/bundle.ts';
import { digestOf } from '../domain/digest.ts';
import type { Doors } from '../domain/doors.ts';
import type { Facts } from '../domain/facts.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import {
  type LineageFacts,
  type SeenLabel,
  SOURCE_LABELS,
  type ToolLineage,
} from '../domain/lineage.ts';
import { own } from '../domain/own.ts';
import type { Outcome, Settlement, ToolResult } from '../domain/proposal.ts';
import { type Run, UNDECLARED_INTENT } from '../domain/run.ts';
import type { ReadableEvent, Store } from '../domain/store.ts';
import { Book } from '../lineage/book.ts';
import { flowsOf } from '../lineage/flows.ts';
import { listedIn } from '../lineage/listed.ts';
import { proofsOf } from '../lineage/proofs.ts';
import { type Heard, ruleFor } from '../lineage/source.ts';
import { textsAt } from '../lineage/values.ts';
import type { BundleSource } from './broker.ts';

/**
 * What run trees have read: a cache of what is recorded, made anew from the store by whoever needs it and has it not.
 *
 *   no book ──a proposal needs a proof──▶ loading (records of the tree) ──▶ kept; every outcome here is added
 *   kept ──too many others since──▶ no book
 *
 * Where the store is shared, records of other replicas are read before every proof. A tree in which no proposal ever
 * needs a proof has no book, and costs nothing.
 */
export class Lineages {
  readonly #parts: LineageParts;
  readonly #trees = new Map<string, Tree>();
  /** Marks of written objects that the store has not taken yet: until it has, nothing is proven. */
  #unsaved: readonly string[] = [];

  constructor(parts: LineageParts) {
    this.#parts = parts;
  }

  /** Null where the tool needs no proof. Throws SignalboxError STORE_DOWN. */
  facts(
    run: Run | null,
    tool: Tool | null,
    given: JsonObject,
    bundle: Bundle,
  ): Promise<LineageFacts> | null {
    if (tool?.lineage === undefined || run === null) return null;
    return this.#facts(run, tool.lineage, given, bundle);
  }

  async #facts(
    run: Run,
    lineage: ToolLineage,
    given: JsonObject,
    bundle: Bundle,
  ): Promise<LineageFacts> {
    await this.#save();
    const tree = this.#treeOf(run.root);
    await this.#bringUp(tree);
    const { book } = tree;
    if (book === null) throw new TypeError('a tree without a book');
    const ground = {
      book,
      organisation: bundle.organisation,
      listed: listedIn(bundle.tools, isForeign(bundle)),
    };
    const proofs = proofsOf(lineage, given, ground);
    const flows = flowsOf(lineage, given, proofs, { ...ground, isSecret: this.#parts.isSecret });
    return { proofs, flows, seen: book.seen };
  }

  /**
   * Remembers what a call brought back, where its tree has a book. A promise where what it wrote must be marked before
   * anybody is told.
   */
  hear(facts: Facts, outcome: Outcome): Promise<void> | undefined {
    const { run, tool } = facts;
    if (run === null || tool === null) return undefined;
    const tree = this.#trees.get(run.root);
    if (tree === undefined || (outcome.kind !== 'done' && outcome.kind !== 'failed'))
      return undefined;
    const heard = {
      action: outcome.actionId,
      tool: tool.name,
      lineage: tool.lineage,
      arguments: facts.arguments,
      settlement: outcome,
    };
    this.#receive(tree, heard, tool);
    if (tool.effect === 'read' || outcome.kind !== 'done') return undefined;
    // an agent's own words are no proof either, whatever it had read
    const marks = marksOf(tool, facts.arguments, ['untrusted', ...(tree.book?.seen ?? [])]);
    if (marks.length === 0) return undefined;
    this.#unsaved = [...this.#unsaved, ...marks];
    return this.#save().catch(() => undefined); // what is not marked is kept, and nothing is proven until it is
  }

  /** The principal said more, in the root of a tree; recorded already. */
  said(root: string, text: string): void {
    this.#trees.get(root)?.book?.say(text);
  }

  #receive(tree: Tree, heard: Heard, tool: Tool): void {
    tree.coming.push({ heard, objects: objectsOf(tool, heard.arguments) });
    if (tree.coming.length > 1) return;
    this.#parts.doors.timers.after(0, () => {
      void this.#drain(tree).catch(() => undefined);
    });
  }

  /** Everything recorded is in the book, its indexes made. */
  async #bringUp(tree: Tree): Promise<void> {
    if (tree.book === null || !this.#parts.store.alone) {
      tree.loading ??= this.#load(tree).finally(() => {
        tree.loading = null;
      });
      await tree.loading;
    }
    await this.#drain(tree);
  }

  async #drain(tree: Tree): Promise<void> {
    const { book } = tree;
    if (book === null) return;
    while (tree.coming.length > 0) {
      const [next] = tree.coming;
      if (next === undefined) break;
      const carried = await this.#carriedBy(next);
      if (tree.coming[0] !== next) continue;
      tree.coming.shift();
      book.add(next.heard, carried);
    }
    book.settle();
    this.#keepBounds(tree);
  }

  /** Labels that were written into what this call read, by whichever run. */
  async #carriedBy({ heard, objects }: Coming): Promise<readonly SeenLabel[]> {
    const { trusted, labels } = ruleFor(heard.lineage, heard.arguments);
    if (objects.length === 0 || (trusted.length === 0 && labels.length === SOURCE_LABELS.length))
      return [];
    const carried = new Set<SeenLabel>();
    for (const object of objects)
      for (const label of ALL_LABELS)
        if (await this.#parts.store.isTaken(markOf(object, label))) carried.add(label);
    return [...carried];
  }

  async #save(): Promise<void> {
    const { store, doors } = this.#parts;
    while (this.#unsaved.length > 0) {
      const [claim] = this.#unsaved;
      if (claim === undefined) break;
      const at = doors.clock.now();
      if (!(await store.isTaken(claim)))
        await store.commit({ kind: 'claim.take', claim, until: at + MARK_MS, at });
      this.#unsaved = this.#unsaved.filter((each) => each !== claim);
    }
  }

  async #load(tree: Tree): Promise<void> {
    const { store } = this.#parts;
    if (tree.book === null) {
      const root = await store.run(tree.root);
      const intent = root?.intent ?? '';
      tree.book = new Book(intent === '' || intent === UNDECLARED_INTENT ? null : intent);
    }
    for (const run of await store.runsUnder(tree.root)) {
      let after = tree.read.get(run) ?? 0;
      for (;;) {
        const page = await store.timeline(run, after, PAGE);
        for (const event of page) await this.#recall(tree, tree.book, event);
        after += page.length;
        tree.read.set(run, after);
        if (page.length < PAGE) break;
      }
    }
  }

  /** One record: the proposal it names, or what an earlier one brought back. */
  async #recall(
    tree: Tree,
    book: Book,
    { chain, type, body, payload }: ReadableEvent,
  ): Promise<void> {
    if (type === 'run.said' && chain === tree.root) {
      if (typeof payload?.text === 'string') book.say(payload.text);
      return;
    }
    if (type !== 'action.intent' && type !== 'action.outcome' && type !== 'action.read') return;
    const said = JSON.parse(body) as JsonObject;
    const action = String(said.action);
    if (payload === null) book.lose();
    // what a preview brought back only a human was shown
    const isHeard = type !== 'action.outcome' && said.purpose !== 'preview';
    if (isHeard && isJsonObject(said.stamp)) {
      const { bundle } = said.stamp;
      const given = isJsonObject(payload?.arguments) ? payload.arguments : {};
      tree.intents.set(action, {
        tool: String(said.tool),
        bundle: String(bundle),
        arguments: given,
      });
    }
    const intent = tree.intents.get(action);
    if (type === 'action.intent' || intent === undefined) return;
    tree.intents.delete(action);
    const settlement = settlementOf(String(said.outcome), payload ?? null);
    if (settlement === null || book.has(action)) return;
    const { tools } = await this.#parts.bundles.get(intent.bundle);
    const tool = own(tools, intent.tool);
    const { arguments: given } = intent;
    const heard = {
      ...{ action, tool: intent.tool, lineage: tool?.lineage, arguments: given, settlement },
    };
    const objects = tool === null ? [] : objectsOf(tool, given);
    book.add(heard, await this.#carriedBy({ heard, objects }));
  }

  #treeOf(root: string): Tree {
    const tree = this.#trees.get(root) ?? {
      root,
      book: null,
      loading: null,
      coming: [],
      read: new Map<string, number>(),
      intents: new Map<string, Recalled>(),
    };
    this.#trees.delete(root); // the newest stands last
    this.#trees.set(root, tree);
    return tree;
  }

  #keepBounds(kept: Tree): void {
    let size = 0;
    for (const { book } of this.#trees.values()) size += book?.size ?? 0;
    for (const tree of [...this.#trees.values()]) {
      if (this.#trees.size <= MAX_TREES && size <= MAX_TEXT) return;
      if (tree === kept) continue;
      size -= tree.book?.size ?? 0;
      this.#trees.delete(tree.root);
    }
  }
}

export interface LineageParts {
  readonly store: Pick<Store, 'alone' | 'run' | 'runsUnder' | 'timeline' | 'isTaken' | 'commit'>;
  readonly bundles: Pick<BundleSource, 'get'>;
  readonly doors: Pick<Doors, 'clock' | 'timers'>;
  /** The text holds a secret that this process knows. */
  readonly isSecret: (text: string) => boolean;
}

interface Tree {
  readonly root: string;
  book: Book | null;
  loading: Promise<void> | null;
  /** Came back here and not yet in the book. */
  readonly coming: Coming[];
  /** How many records of each run were read. */
  readonly read: Map<string, number>;
  /** Proposals whose outcome was not read yet. */
  readonly intents: Map<string, Recalled>;
}

interface Coming {
  readonly heard: Heard;
  /** What it read or wrote, where that has a name. */
  readonly objects: readonly string[];
}

interface Recalled {
  readonly tool: string;
  readonly bundle: string;
  readonly arguments: JsonObject;
}

const PAGE = 1_000;
const MAX_TREES = 256;
/** Characters of text over all trees. */
const MAX_TEXT = 128 * 1024 * 1024;
/** How long a written object is known to have been written by a run that had read: a year. */
const MARK_MS = 366 * 24 * 3_600_000;
const MAX_OBJECTS = 100;
const ALL_LABELS: readonly SeenLabel[] = ['untrusted', ...SOURCE_LABELS];

const FOREIGN = new Set(['mcp', 'a2a']);

/** What such tools say of themselves their servers wrote; of all others the operator did. */
const isForeign =
  ({ connections }: Bundle) =>
  ({ connection }: Tool): boolean =>
    FOREIGN.has(own(connections, connection)?.kind ?? '');

/** Objects by their connection and name: `files\n/notes/today.md`. */
function objectsOf({ connection, lineage }: Tool, given: JsonObject): string[] {
  const names = (lineage?.authority ?? [])
    .filter(({ kind }) => kind === 'target')
    .flatMap(({ argument }) => textsAt(given, argument));
  const asked = (lineage?.source ?? []).flatMap(({ when }) =>
    when === undefined ? [] : textsAt(given, when.argument),
  );
  const objects = [...names, ...asked].map(({ value }) => `${connection}\n${value}`);
  if (lineage?.memory !== undefined) objects.unshift(`${connection}\n\n${lineage.memory}`);
  return [...new Set(objects)].slice(0, MAX_OBJECTS);
}

function marksOf(tool: Tool, given: JsonObject, seen: readonly SeenLabel[]): string[] {
  const labels = [...new Set(seen)];
  return objectsOf(tool, given).flatMap((object) => labels.map((label) => markOf(object, label)));
}

function markOf(object: string, label: SeenLabel): string {
  return `lineage:${label}:${digestOf('object', object)}`;
}

/** What a record says an action brought back; null: nothing. */
function settlementOf(outcome: string, payload: JsonObject | null): Settlement | null {
  if (payload === null) return null;
  if (outcome === 'done' && isJsonObject(payload.result))
    return { kind: 'done', result: payload.result as unknown as ToolResult };
  if (outcome !== 'failed' || typeof payload.message !== 'string') return null;
  const { message, reply } = payload;
  const said = isJsonObject(reply) ? { reply: reply as never } : {};
  return { kind: 'failed', code: 'CONNECTOR_REFUSED', message, ...said };
}
