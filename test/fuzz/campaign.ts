/** So many shots over so many connections, with people who approve in between; then the ledger is asked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Box, startBox } from './box.ts';
import { chanceOf } from './chance.ts';
import { type Evidence, readEvidence } from './evidence.ts';
import type { Grammar } from './grammar.ts';
import { Harvest } from './harvest.ts';
import { Lane } from './lane.ts';
import { shotOf } from './mutate.ts';
import { startTarget } from './target.ts';

export interface CampaignOptions {
  readonly messages: number;
  readonly seed: number;
  /** Messages cut off, or broken behind others: a listener closes those only in its own time, ten seconds. */
  readonly slow?: boolean;
  readonly say: (text: string) => void;
}

export interface Figures {
  readonly messages: number;
  readonly answers: { readonly byStatus: { readonly [status: string]: number } };
  readonly crashes: number;
  readonly hangs: number;
  /** Answers with a status of 500 and above, and answers that say INTERNAL. */
  readonly internal: number;
  readonly effects: number;
  readonly effectsWithoutIntent: number;
  readonly ledgerProblems: number;
  /** Resident memory at the end against that after a fifth, less one. */
  readonly rssGrowth: number;
  readonly seed: number;
  /** The first few of what must not be, in words. */
  readonly examples: readonly string[];
}

const LANES = 64;
const DEPTH = 4;
const MOST_ENDING = 400;
const SAMPLE = 20_000;
const PATIENCE_MS = 20_000;
const EXAMPLES = 10;
/** An answered ask and a repeated call are one effect; most shots never come near. */
const APPROVE_EVERY_MS = 250;

class Score {
  readonly byStatus: { [status: string]: number } = {};
  readonly examples: string[] = [];
  hangs = 0;
  internal = 0;

  count(status: string, times = 1): void {
    this.byStatus[status] = (this.byStatus[status] ?? 0) + times;
  }

  example(text: string): void {
    if (this.examples.length < EXAMPLES) this.examples.push(text.slice(0, 1_500));
  }
}

export async function campaign(options: CampaignOptions): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'));
  const target = await startTarget();
  try {
    const box = await startBox(directory, configFor(target.port));
    const score = new Score();
    const rssGrowth = await shoot(options, box, score).finally(() => box.stop());
    const crash = box.crashed();
    if (crash !== null) score.example(crash);
    for (const line of box.faults) score.example(line);
    const evidence = await readEvidence(directory, target.writes);
    for (const each of evidence.withoutIntent) score.example(`without intent: ${each}`);
    return figuresOf(options, score, evidence, rssGrowth, crash === null ? 0 : 1);
  } finally {
    await target.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function figuresOf(
  { messages, seed }: CampaignOptions,
  score: Score,
  { effects, withoutIntent, problems }: Evidence,
  rssGrowth: number,
  crashes: number,
): Figures {
  return {
    messages,
    answers: { byStatus: score.byStatus },
    crashes,
    hangs: score.hangs,
    internal: score.internal,
    effects,
    effectsWithoutIntent: withoutIntent.length,
    ledgerProblems: problems,
    rssGrowth,
    seed,
    examples: score.examples,
  };
}

async function shoot(options: CampaignOptions, box: Box, score: Score): Promise<number> {
  const { messages, seed, say, slow = true } = options;
  const harvest = new Harvest();
  let sent = 0;
  let first = 0;
  const approving = setInterval(() => void box.approve(20).catch(() => 0), APPROVE_EVERY_MS);
  const sampled = async (): Promise<void> => {
    // after a fifth everything that is kept once is kept: statements, sessions, pages of the store
    if (first === 0 && sent >= messages / 5) {
      first = 1;
      first = await box.rss();
    }
  };
  const ending = new Ending();
  const line = async (index: number): Promise<void> => {
    const chance = chanceOf(seed * 1_000 + index);
    const grammar: Grammar = { chance, harvest, tokens: box.tokens, slow };
    let lane = openLane(box, score, harvest);
    while (sent < messages && box.crashed() === null) {
      let last = false;
      for (
        let depth = slow ? 1 + chance.upTo(DEPTH) : 1;
        depth > 0 && !last && sent < messages;
        depth--
      ) {
        const shot = shotOf(grammar);
        ({ last } = shot);
        sent++;
        if (sent % SAMPLE === 0)
          void box.rss().then((rss) => say(`${sent} sent, ${rss >> 20} MiB`));
        lane.send(withHost(shot.bytes, box.agentsPort));
      }
      if (last) {
        // what cannot be completed is closed in the listener's own time: nobody waits for it here
        lane.finish();
        await ending.add(lane);
      } else await lane.idle();
      if (last || lane.closed) lane = openLane(box, score, harvest);
      await sampled();
    }
    lane.leave();
  };
  await Promise.all(Array.from({ length: LANES }, (_, index) => line(index)));
  await ending.over();
  clearInterval(approving);
  if (box.crashed() !== null || first <= 1) return 0;
  const end = await box.rss();
  say(`resident memory: ${first >> 20} MiB after a fifth, ${end >> 20} MiB at the end`);
  return Math.round((end / first - 1) * 1_000) / 1_000;
}

/** Lanes on which nothing follows, until they are closed. A bounded number: beyond it somebody waits. */
class Ending {
  readonly #lanes = new Set<Promise<void>>();

  async add(lane: Lane): Promise<void> {
    const over = lane.idle().then(() => {
      lane.leave();
      this.#lanes.delete(over);
    });
    this.#lanes.add(over);
    if (this.#lanes.size > MOST_ENDING) await Promise.race(this.#lanes);
  }

  async over(): Promise<void> {
    await Promise.all(this.#lanes);
  }
}

const HOST = Buffer.from('host: HOST\r\n');

function withHost(bytes: Buffer, port: number): Buffer {
  const at = bytes.indexOf(HOST);
  if (at === -1) return bytes;
  const own = Buffer.from(`host: 127.0.0.1:${port}\r\n`);
  return Buffer.concat([bytes.subarray(0, at), own, bytes.subarray(at + HOST.length)]);
}

function openLane(box: Box, score: Score, harvest: Harvest): Lane {
  return new Lane({
    port: box.agentsPort,
    patienceMs: PATIENCE_MS,
    onReply({ status, text }) {
      score.count(String(status));
      harvest.take(text);
      if (status < 500 && !text.includes('"INTERNAL"')) return;
      score.internal++;
      score.example(text);
    },
    onClosed: (owed) => score.count('closed', owed),
    onHang(bytes) {
      score.hangs++;
      score.example(`no answer to ${bytes.toString('latin1')}`);
    },
  });
}

function configFor(port: number): string {
  const http = 'connection: store, input: { text: { type: string } }';
  return `
version: 1
organisation: { name: fuzz }
loops: off
connections:
  store: { kind: http, url: 'http://127.0.0.1:${port}', allowPrivate: true }
  up:
    kind: mcp
    environment: development
    url: http://127.0.0.1:${port}/mcp
    allowPrivate: true
    serve: { tools: { read: read, ask: read, keep: write }, resources: true, prompts: true }
tools:
  echo: { ${http}, description: Reads, http: { method: GET, path: /echo, query: { text: '{text}' } } }
  keep: { ${http}, description: Writes, http: { method: POST, path: /keep, body: { text: '{text}' } } }
agents:
  fuzz: { owner: dana@acme.example }
grants:
  - { agent: fuzz, tools: [echo, up_read, up_ask, up/resources, up/prompts], rung: read }
  - { agent: fuzz, tools: [keep, up_keep], rung: approve }
limits:
  run: { calls: 100000000, rowsWritten: 100000000 }
  agentDay: { calls: 1000000000, rowsWritten: 1000000000 }
approvals: { minutes: 60 }
`;
}
