/** The load generator, a process of its own: answers `load` with what one window of calls was like. */
import { Lane } from './lane.ts';
import { type Question, ready } from './part.ts';
import { callBytes, type Target, targetOf } from './requests.ts';
import { steadily } from './steady.ts';

export interface Window {
  readonly url: string;
  /** One run's token each; connections are dealt out over them. */
  readonly tokens: readonly string[];
  readonly tool: string;
  readonly connections: number;
  /** Until then, or until the calls are used up. */
  readonly ms: number;
  /** Calls by token; null: made up as they go. */
  readonly texts: readonly (readonly string[])[] | null;
  /** At most so many calls. */
  readonly most?: number;
  /** Calls a second, whether or not earlier ones are answered; absent: every connection asks again once answered. */
  readonly rps?: number;
}

export interface Loaded {
  readonly calls: number;
  readonly faults: number;
  readonly firstFault: string | null;
  readonly seconds: number;
  readonly p50ms: number;
  readonly p99ms: number;
  /** Processor time of the generator itself, µs. */
  readonly cpu: number;
}

export interface CallMade {
  readonly id: number;
  readonly text: string;
  readonly bytes: Buffer;
}

/** The next call of a connection; null when there are no more. */
export type Source = () => CallMade | null;

/** What came of the calls of a window. */
export class Tally {
  readonly took: number[] = [];
  readonly faults: string[] = [];

  note(call: CallMade, answer: string | Error, ms: number): void {
    this.took.push(ms);
    if (answer instanceof Error) this.faults.push(answer.message);
    else if (!isGood(answer, call)) this.faults.push(answer.slice(0, 2_000));
  }
}

let lastId = 1_000_000_000;

async function load(window: Window): Promise<Loaded> {
  const targets = window.tokens.map((token) => targetOf(window.url, token));
  const first = targets[0] ?? targetOf(window.url, '');
  const lanes = await Promise.all(
    Array.from({ length: window.connections }, () => Lane.open(first.host, first.port)),
  );
  let left = window.most ?? Number.POSITIVE_INFINITY;
  const sources = targets.map((target, index) => {
    const next = sourceOf(window, target, index);
    return () => (left-- > 0 ? next() : null);
  });
  const tally = new Tally();
  const cpu = process.cpuUsage();
  const started = performance.now();
  if (window.rps === undefined) await inTurn(lanes, sources, started + window.ms, tally);
  else await steadily(lanes, sources, { rps: window.rps, ms: window.ms }, tally);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  for (const lane of lanes) lane.close();
  const took = tally.took.sort((a, b) => a - b);
  return {
    calls: took.length,
    faults: tally.faults.length,
    firstFault: tally.faults[0] ?? null,
    seconds,
    p50ms: took[Math.floor(took.length * 0.5)] ?? 0,
    p99ms: took[Math.floor(took.length * 0.99)] ?? 0,
    cpu: user + system,
  };
}

/** Keeps every connection busy with one call at a time. */
async function inTurn(
  lanes: readonly Lane[],
  sources: readonly Source[],
  until: number,
  tally: Tally,
): Promise<void> {
  await Promise.all(
    lanes.map(async (lane, index) => {
      const source = sources[index % sources.length];
      for (let now = performance.now(); now < until; ) {
        const call = source?.();
        if (call === undefined || call === null) return;
        const answer = await lane.ask(call.bytes).catch((error: Error) => error);
        const then = performance.now();
        tally.note(call, answer, then - now);
        if (answer instanceof Error) return;
        now = then;
      }
    }),
  );
}

function sourceOf(window: Window, target: Target, index: number): Source {
  const texts = window.texts?.[index]?.values();
  return () => {
    const id = ++lastId;
    const text = texts === undefined ? `t${id}` : texts.next().value;
    return text === undefined
      ? null
      : { id, text, bytes: callBytes(target, window.tool, id, text) };
  };
}

/** Two hundred, the same id, the text said again, and no error inside. */
function isGood(answer: string, { id, text }: CallMade): boolean {
  return (
    answer.startsWith('HTTP/1.1 200') &&
    answer.includes(`"id":${id}`) &&
    answer.includes(text) &&
    !answer.includes('"isError":true') &&
    !answer.includes('"error"')
  );
}

ready('', (question: Question) => load(question.window as Window));
