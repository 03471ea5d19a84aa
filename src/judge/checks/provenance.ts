import type { Tool } from '../../domain/bundle.ts';
import type { ArgumentProof, Span } from '../../domain/lineage.ts';
import { lower } from '../../domain/mode.ts';
import type { Check, Finding } from '../check.ts';

/**
 * Allowed by proof, never by the absence of a suspicion: each value of an argument that carries authority is in the
 * words of the principal, in the operator's configuration, or the whole of a trusted leaf. What is not is a human's to
 * decide, and where it came from a stranger and nothing undoes the call, nobody's.
 */
export const provenance: Check = ({ tool, lineage }) => {
  if (tool === null || lineage === null) return null;
  let worst: Finding | null = null;
  for (const proof of lineage.proofs) {
    const finding = findingOf(proof, tool);
    if (finding === null) continue;
    if (worst === null || lower(finding.ceiling, worst.ceiling) !== worst.ceiling) worst = finding;
  }
  return worst;
};

function findingOf(proof: ArgumentProof, tool: Tool): Finding | null {
  const final = tool.effect === 'destroy' && tool.reversibility !== 'exercised';
  switch (proof.proof) {
    case 'principal':
    case 'operator':
      return null;
    case 'leaf':
      if (!final) return null;
      return {
        ceiling: 'approve',
        code: 'PROVEN_BY_LEAF_ONLY',
        reason: `${named(proof)} was read at ${at(proof.span)}, and nothing undoes this call: only the intent of the run or the operator's configuration proves it`,
        fix: 'name it in the intent of the run',
      };
    case 'untrusted':
      if (!matters(proof, tool)) return null;
      return {
        ceiling: final ? 'deny' : 'approve',
        code: 'UNTRUSTED_ARGUMENT',
        reason: `${named(proof)} comes from what a stranger can write: ${at(proof.span)}`,
        fix: FIX,
      };
    case 'unknown':
      if (!matters(proof, tool)) return null;
      return {
        ceiling: 'approve',
        code: 'UNPROVEN_ARGUMENT',
        reason: `${named(proof)} is in nothing that proves it: not in the intent of the run, not in the configuration, no trusted leaf`,
        fix: FIX,
      };
  }
}

const FIX =
  'begin the run with an intent that names it, use a value that is proven, or have the operator add it to the directory';

/** A read within is harmless whatever it looks up; what a call is done to matters where it destroys. */
function matters({ kind }: ArgumentProof, { effect, lineage }: Tool): boolean {
  switch (kind) {
    case 'code':
      return true;
    case 'destination':
    case 'secret':
      return effect !== 'read' || lineage?.outward === true;
    case 'amount':
      return effect === 'destroy' || lineage?.outward === true;
    case 'target':
      return effect === 'destroy';
  }
}

function named({ argument, value }: ArgumentProof): string {
  return `\`${argument}\` = \`${value}\``;
}

function at(span: Span | null): string {
  if (span === null) return 'somewhere';
  const leaf = span.leaf === undefined ? '' : ` leaf \`${span.leaf}\``;
  const tool = span.tool === undefined ? '' : ` \`${span.tool}\``;
  return `${span.of}${tool}${leaf} [${span.start}..${span.end}]`;
}
