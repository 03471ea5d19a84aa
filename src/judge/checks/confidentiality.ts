import type { Flow, FlowKind } from '../../domain/lineage.ts';
import { lower } from '../../domain/mode.ts';
import type { Check, Finding } from '../check.ts';

/**
 * What leaves with a call: a secret never; what came from a source whose readers the recipients are not, a stranger's
 * words, and addresses that nobody proven named only when a human has seen it.
 */
export const confidentiality: Check = ({ lineage }) => {
  if (lineage === null) return null;
  let worst: Finding | null = null;
  for (const flow of lineage.flows) {
    const finding = FINDINGS[flow.kind](flow);
    if (worst === null || lower(finding.ceiling, worst.ceiling) !== worst.ceiling) worst = finding;
  }
  return worst ?? (isExposed(lineage) ? EXPOSED : null);
};

const FINDINGS: Readonly<Record<FlowKind, (flow: Flow) => Finding>> = {
  secret: ({ argument }) => ({
    ceiling: 'deny',
    code: 'SECRET_IN_TEXT',
    reason: `\`${argument}\` holds a secret`,
    fix: 'leave it out; nobody needs it to be sent',
  }),
  labelled: (flow) => ({
    ceiling: 'approve',
    code: 'LABELLED_IN_TEXT',
    reason: `${piece(flow)}, and who is reached is not among its readers`,
    fix: 'leave it out, or send it to those who may read it',
  }),
  copied: (flow) => ({
    ceiling: 'approve',
    code: 'COPIED_IN_TEXT',
    reason: `${piece(flow)}, which a stranger can write`,
    fix: 'say it in words of your own, or have the intent of the run say it',
  }),
  address: ({ argument, value }) => ({
    ceiling: 'approve',
    code: 'ADDRESS_IN_TEXT',
    reason: `\`${argument}\` holds the address \`${value}\`, which neither the intent nor the configuration names`,
    fix: 'leave it out, or name it in the intent of the run',
  }),
  unread: () => ({
    ceiling: 'approve',
    code: 'TOO_MUCH_READ',
    reason:
      'this run has read more than is kept, so not all of it could be looked for in what leaves',
    fix: 'begin another run for what is to be sent',
  }),
};

function piece({ argument, value, span }: Flow): string {
  const tool = span?.tool === undefined ? '' : ` \`${span.tool}\``;
  const from = span === null ? '' : ` of ${span.of}${tool} [${span.start}..${span.end}]`;
  return `\`${argument}\` holds \`${value}\`${from}`;
}

const EXPOSED: Finding = {
  ceiling: 'approve',
  code: 'PRIVATE_WAS_READ',
  reason:
    'this run has read what is private, and somebody outside would be reached whom only a result names',
  fix: 'name the recipient in the intent of the run',
};

function isExposed({
  seen,
  proofs,
}: {
  seen: readonly string[];
  proofs: readonly { kind: string; outside: boolean; proof: string }[];
}): boolean {
  if (!seen.includes('private') && !seen.includes('pii')) return false;
  return proofs.some(
    ({ kind, outside, proof }) => kind === 'destination' && outside && proof === 'leaf',
  );
}
