import { DRILL_DOCUMENT, type DrillReport } from '../domain/drill.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, jsonIn } from '../domain/json.ts';
import { openCheckpoint, verifyDocument } from './checkpoint.ts';
import { type InclusionProof, inclusionProblems, readProof } from './proof.ts';
import type { VerifierKey } from './signed-note.ts';

/** A drill as it is handed out: everything that is needed to believe it, but the key, which is kept elsewhere. */
export interface DrillFile {
  readonly drill: string;
  /** The report, byte by byte as it was signed. */
  readonly report: string;
  readonly signature: string | null;
  /** What the ledger says its key is: no proof of anything. */
  readonly key: string | null;
  /** That the ledger holds this very report; null before it was sealed. */
  readonly proof: InclusionProof | null;
}

/** What was found right in it. `sealed`: how many records the checkpoint covers; null without a proof. */
export interface DrillVerified {
  readonly report: DrillReport;
  readonly sealed: number | null;
}

/** Throws DRILL_FORGED for a file that is none. */
export function readDrillFile(text: string): DrillFile {
  const value = jsonIn(text);
  if (
    isJsonObject(value) &&
    typeof value.drill === 'string' &&
    typeof value.report === 'string' &&
    (value.signature === null || typeof value.signature === 'string')
  ) {
    const proof = isJsonObject(value.proof) ? readProof(JSON.stringify(value.proof)) : null;
    if (proof === null || proof.kind === 'inclusion')
      return {
        drill: value.drill,
        report: value.report,
        signature: value.signature,
        key: typeof value.key === 'string' ? value.key : null,
        proof,
      };
  }
  throw forged('expected a drill as `signalbox drill show ID --json` prints it');
}

/**
 * The key signed this very report, and, where there is a proof, the ledger under `checkpoint` (else the one in the proof)
 * holds it. Throws DRILL_FORGED, SIGNATURE_INVALID, NOTE_MALFORMED.
 */
export function verifyDrill(
  file: DrillFile,
  key: VerifierKey,
  checkpoint: string | null,
): DrillVerified {
  if (file.signature === null) throw forged('expected a signature, this report has none');
  verifyDocument(key, DRILL_DOCUMENT, Buffer.from(file.report), file.signature);
  const report = jsonIn(file.report) as DrillReport | null;
  if (report?.id !== file.drill)
    throw forged(`the report is of \`${report?.id}\`, the file says \`${file.drill}\``);
  const note = checkpoint ?? file.proof?.checkpoint ?? null;
  if (file.proof === null || note === null) return { report, sealed: null };
  const opened = openCheckpoint(note, key);
  const [problem] = inclusionProblems(file.proof, opened);
  if (problem !== undefined) throw forged(problem);
  const holds = file.proof.records.some(
    ({ type, body }) => type === 'drill.kept' && isOf(file, body),
  );
  if (!holds) throw forged('the records of the proof do not hold this report');
  return { report, sealed: opened.size };
}

function isOf({ drill, report, signature }: DrillFile, body: string): boolean {
  const kept = jsonIn(body);
  return (
    isJsonObject(kept) &&
    kept.drill === drill &&
    kept.report === report &&
    kept.signature === signature
  );
}

function forged(message: string): SignalboxError {
  return new SignalboxError('DRILL_FORGED', message);
}
