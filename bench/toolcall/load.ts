/** The load generator: keeps every connection busy with one call at a time, for a while or until the calls are used up. */
import { Lane } from './lane.ts';
import { type Question, ready } from './part.ts';
import { callBytes, type Target, targetOf } from './requests.ts';

export interface Window {
  readonly url: string;
  /** One run's token each; connections are dealt out over them. */
  readonly tokens: readonly string[];
  readonly tool: string;
  readonly connections: number;
  /** Until then, or through all of `texts`. */
  readonly ms: number;
  /** Calls by token; null: made up as they go. */
  readonly texts: readonly (readonly string[])[] | null;
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

let lastId = 1_000_000_000;

async function load(window: Window): Promise<Loaded> {
  const targets = window.tokens.map((token) => targetOf(window.url, token));
  const first = targets[0] ?? targetOf(window.url, '');
  const lanes = await Promise.all(
    Array.from({ length: window.connections }, () => Lane.open(first.host, first.port)),
  );
  const took: number[] = [];
  const faults: string[] = [];
  const sources = targets.map((target, index) => sourceOf(window, target, index));
  const cpu = process.cpuUsage();
  const started = performance.now();
  const until = started + window.ms;
  await Promise.all(
    lanes.map(async (lane, index) => {
      const source = sources[index % sources.length];
      for (let now = performance.now(); now < until; ) {
        const call = source?.();
        if (call === undefined || call === null) return;
        const answer = await lane.ask(call.bytes).catch((error: Error) => error);
        const then = performance.now();
        took.push(then - now);
        if (answer instanceof Error) return void faults.push(answer.message);
        if (!isGood(answer, call)) faults.push(answer.slice(0, 2_000));
        now = then;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  for (const lane of lanes) lane.close();
  took.sort((a, b) => a - b);
  return {
    calls: took.length,
    faults: faults.length,
    firstFault: faults[0] ?? null,
    seconds,
    p50ms: took[Math.floor(took.length * 0.5)] ?? 0,
    p99ms: took[Math.floor(took.length * 0.99)] ?? 0,
    cpu: user + system,
  };
}

interface CallMade {
  readonly id: number;
  readonly text: string;
  readonly bytes: Buffer;
}

function sourceOf(window: Window, target: Target, index: number): () => CallMade | null {
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
