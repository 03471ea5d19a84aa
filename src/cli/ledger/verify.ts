import { exposed, SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { openCheckpoint, readCheckpoint } from '../../ledger/checkpoint.ts';
import {
  type ConsistencyProof,
  consistencyProblems,
  inclusionProblems,
  readProof,
} from '../../ledger/proof.ts';
import { readVerifier, type VerifierKey } from '../../ledger/signed-note.ts';
import { plain } from '../../surfaces/admin/reveal.ts';
import type { Answer, Call, Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { progress } from '../progress.ts';
import { count, fields } from '../render.ts';
import { storeAt } from '../store/at.ts';
import { fileText, keptKey, notesIn } from './kept.ts';
import { isLocal, type Source, STORE_AT, withSource } from './source.ts';

/** Kept checkpoints that are tried, the newest of a file: each continues those before it. */
const MOST_KEPT = 1_000;

export const ledgerVerify: Command = {
  name: 'ledger verify',
  summary: 're-read every chain of the ledger and say whether all of it holds',
  usage: '',
  positionals: [0, 0],
  options: {
    ...STORE_AT,
    since: {
      type: 'string',
      value: 'FILE',
      summary:
        'hold the ledger against checkpoints kept elsewhere: a cut or rewritten end is found',
    },
    key: {
      type: 'string',
      value: 'KEY',
      summary: 'the public key you kept, or a file with it (else what the ledger says it is)',
    },
    proof: {
      type: 'string',
      value: 'FILE',
      summary: 'check a proof of `ledger prove` instead, with nothing but `--key`',
    },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      summary: 'the checkpoint to check the proof against (else the one in it)',
    },
  },
  run: async (call) => {
    const { proof, checkpoint, since } = call.options;
    if (typeof proof === 'string') return verifyProof(call, proof);
    if (checkpoint !== undefined)
      throw new SignalboxError('USAGE', 'expected `--proof FILE` with `--checkpoint`');
    return verifyLedger(call, typeof since === 'string' ? since : null);
  },
};

async function verifyLedger(call: Call, since: string | null): Promise<Answer> {
  const { api, io, options, parts } = call;
  // The kept checkpoints first: what they cover must be in the ledger that is read after that.
  const kept = await withSource(call, (source) => againstKept(call, source, since));
  const found = isLocal(call)
    ? ((await progress(
        io,
        'verifying',
        parts.verify(await storeAt(call)),
      )) as unknown as JsonObject)
    : await api.get('/api/ledger/verify');
  const problems = [...problemsOf(found), ...kept.problems];
  const report = {
    ...found,
    ok: found.ok === true && kept.problems.length === 0,
    ...(since === null ? {} : { checkpointsKept: kept.tried }),
    problems,
  };
  return answer(call, report, 'the ledger', [
    ...problems,
    ...(since !== null && options.key === undefined && kept.problems.length === 0
      ? ['held against the key that the ledger itself names: `--key` holds it against yours']
      : []),
  ]);
}

/** Every checkpoint of the file against the newest one of the ledger. */
async function againstKept(
  call: Call,
  source: Source,
  since: string | null,
): Promise<{ readonly tried: number; readonly problems: readonly string[] }> {
  const own = await keptKey(call);
  if (since === null && own === null) return { tried: 0, problems: [] };
  const { key, checkpoint } = await source.newest();
  if (key === null || checkpoint === null)
    return { tried: 0, problems: ['nothing is sealed in this ledger'] };
  const verifier = own ?? readVerifier(key);
  const notes = since === null ? [] : notesIn(await fileText(call, since)).slice(-MOST_KEPT);
  const problems: string[] = [];
  for (const note of notes) {
    const wrong = await problemOf(() => continues(source, verifier, note, checkpoint.note));
    if (wrong !== null) problems.push(wrong);
  }
  const wrong = await problemOf(async () => {
    openCheckpoint(checkpoint.note, verifier);
    return [];
  });
  return { tried: notes.length, problems: wrong === null ? problems : [wrong, ...problems] };
}

async function continues(
  source: Source,
  key: VerifierKey,
  kept: string,
  newest: string,
): Promise<string[]> {
  const [first, second] = [openCheckpoint(kept, key), openCheckpoint(newest, key)];
  const none: ConsistencyProof = {
    ...{ kind: 'consistency', first: first.size, second: second.size },
    ...{ path: [], checkpoint: null },
  };
  // Asked for where there can be one: the tree may have grown meanwhile, which the note in the proof tells.
  if (second.size < first.size) return consistencyProblems(none, first, second);
  const proof = await source.consistency(first.size);
  const to = proof.checkpoint === null ? second : openCheckpoint(proof.checkpoint, key);
  return consistencyProblems(proof, first, to);
}

async function problemOf(check: () => Promise<readonly string[]>): Promise<string | null> {
  try {
    const [first] = await check();
    return first === undefined ? null : `a kept checkpoint: ${first}`;
  } catch (error) {
    const { code, message } = exposed(error);
    if (code === 'UNREACHABLE' || code === 'INTERNAL') throw error;
    return `a checkpoint: ${message}`;
  }
}

/** With files alone: neither a store nor a running Signalbox is asked. */
async function verifyProof(call: Call, file: string): Promise<Answer> {
  const { options } = call;
  const key = await keptKey(call);
  if (key === null)
    throw new SignalboxError('USAGE', 'expected `--key KEY`: a proof proves nothing without it', {
      help: '`signalbox ledger key` prints it; take it from where you kept it',
    });
  const proof = readProof(await fileText(call, file));
  const named = async (name: 'checkpoint' | 'since'): Promise<string | null> => {
    const given = options[name];
    if (typeof given !== 'string') return null;
    return notesIn(await fileText(call, given)).at(-1) ?? null;
  };
  const note = (await named('checkpoint')) ?? proof.checkpoint;
  if (note === null)
    throw new SignalboxError('USAGE', 'expected `--checkpoint FILE`: there is none in the proof');
  const since = await named('since');
  const problems: string[] = [];
  try {
    const checkpoint = openCheckpoint(note, key);
    if (proof.kind === 'inclusion') problems.push(...inclusionProblems(proof, checkpoint));
    else if (since === null)
      throw new SignalboxError('USAGE', 'expected `--since FILE`: the older of two checkpoints');
    else problems.push(...consistencyProblems(proof, openCheckpoint(since, key), checkpoint));
  } catch (error) {
    const { code, message } = exposed(error);
    if (code !== 'SIGNATURE_INVALID') throw error;
    problems.push(message);
  }
  const { size, origin } = readCheckpoint(note);
  const records = proof.kind === 'inclusion' ? proof.records.length : proof.first;
  const report = { ok: problems.length === 0, kind: proof.kind, origin, size, records, problems };
  return answer(call, report, `the proof of ${count(records, 'record')}`, problems);
}

function answer(
  { style }: Call,
  report: JsonObject,
  what: string,
  lines: readonly string[],
): Answer {
  const ok = report.ok === true;
  const text = [
    ok ? style.good(`${what} holds`) : style.bad(`${what} does not hold`),
    fields(numbersOf(report), style),
    ...lines.map((line) => `  ${plain(line)}`),
  ];
  return {
    json: report,
    text: text.filter((line) => line !== '').join('\n'),
    exit: ok ? EXIT.ok.code : EXIT.failed.code,
  };
}

function problemsOf(report: JsonObject): string[] {
  return Array.isArray(report.problems) ? report.problems.map(String) : [];
}

/** Every number of the report, its name in words: `payloads checked  12`. */
function numbersOf(report: JsonObject): [string, number][] {
  return Object.entries(report).flatMap(([name, value]): [string, number][] =>
    typeof value === 'number'
      ? [[name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), value]]
      : [],
  );
}
