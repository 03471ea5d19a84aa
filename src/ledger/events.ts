/**
 * The catalogue of what the ledger can say. Types, codes and versions are stable: an old ledger is read for ever, so a
 * change of meaning is a new version and nothing is taken out. A code is area, number and severity: `I` information,
 * `N` notice, `W` warning, `E` error.
 *
 * `fields` are hashed and never hold argument values, results or free text; those are the sealed payload's. Every body
 * also has `v`, `code` and, when there is a payload, its commitment `sealed` (or `withheld`, when the run was erased
 * before the record was made).
 */
export interface EventKind {
  readonly version: number;
  readonly code: string;
  /** Codes by the value of one field, where a type says several things. */
  readonly byField?: {
    readonly field: string;
    readonly codes: { readonly [value: string]: string };
  };
  readonly fields: readonly string[];
  readonly payload: readonly string[];
}

const PROPOSED = [
  'action',
  'tool',
  'toolDigest',
  'connection',
  'purpose',
  'via',
  'mode',
  'nature',
  'verdicts',
];
const PROPOSED_PAYLOAD = [
  ...['arguments', 'argumentsDigest', 'continuation', 'lineage', 'reasons', 'traceparent'],
];

export const EVENTS = {
  'ledger.created': { version: 1, code: 'G100I', fields: ['ledger', 'format'], payload: [] },
  'ledger.erased': {
    version: 1,
    code: 'G200N',
    fields: ['run', 'payloads', 'by'],
    payload: ['reason'],
  },
  /** The key that signs checkpoints, made when the ledger was first sealed. */
  'ledger.keyed': { version: 1, code: 'G110I', fields: ['key'], payload: [] },
  'ledger.note': { version: 1, code: 'G900I', fields: ['note', 'data'], payload: [] },
  'bundle.applied': {
    version: 1,
    code: 'B100N',
    fields: ['bundle', 'previous', 'widenings', 'by'],
    payload: ['widenings'],
  },
  /**
   * Version 1 had neither `tools` nor `actsFor`: no run was held to a list, and none acted for another. Version 2 had no
   * `subject`: none was on behalf of a user.
   */
  'run.begun': {
    version: 3,
    code: 'R100I',
    fields: [
      ...['root', 'parent', 'depth', 'agent', 'startedAt', 'expiresAt', 'budget'],
      ...['tools', 'actsFor', 'subject', 'replica'],
    ],
    payload: ['intent'],
  },
  /** Tokens and money are null where nobody knows. `over`: its limits were used up by it. */
  'run.spent': {
    version: 1,
    code: 'R300I',
    fields: [
      ...['spend', 'source', 'by', 'model', 'tokensIn', 'tokensOut', 'moneyMicros'],
      ...['ahead', 'drawn', 'over'],
    ],
    payload: ['said'],
  },
  /** `less`: how much less it came to than what was drawn ahead. */
  'run.refunded': {
    version: 1,
    code: 'R310I',
    fields: ['spend', 'tokensIn', 'tokensOut', 'moneyMicros', 'less', 'back'],
    payload: [],
  },
  'run.ended': { version: 1, code: 'R200I', fields: ['voided', 'tokens'], payload: ['why'] },
  'run.said': { version: 1, code: 'R120I', fields: [], payload: ['text'] },
  'run.opened': { version: 1, code: 'R110I', fields: ['run', 'first'], payload: [] },
  'run.closed': { version: 1, code: 'R210I', fields: ['run', 'length', 'head'], payload: [] },
  /** Version 1 had every verdict in `verdicts` and its reason in the payload, those with nothing to say too. */
  'action.intent': {
    version: 2,
    code: 'A100I',
    fields: [...PROPOSED, 'passed', 'stamp', 'reservations', 'approval', 'lease', 'replica'],
    payload: PROPOSED_PAYLOAD,
  },
  'action.marked': {
    version: 1,
    code: 'A200I',
    fields: ['action', 'lease', 'measured'],
    payload: ['trace'],
  },
  'action.outcome': {
    version: 1,
    code: 'A300I',
    byField: {
      field: 'outcome',
      codes: {
        done: 'A300I',
        failed: 'A301W',
        refused: 'A302W',
        unknown: 'A303E',
        running: 'A304I',
      },
    },
    fields: ['action', 'outcome', 'because', 'posted', 'measured', 'by'],
    payload: ['result', 'message', 'reply', 'refusal', 'measured'],
  },
  'action.read': {
    version: 1,
    code: 'A310I',
    byField: {
      field: 'outcome',
      codes: { done: 'A310I', failed: 'A311W', refused: 'A312W' },
    },
    fields: [
      ...PROPOSED,
      'passed',
      'stamp',
      'reservations',
      'lease',
      'outcome',
      'because',
      'posted',
    ],
    payload: [
      'arguments',
      'continuation',
      'lineage',
      'reasons',
      'traceparent',
      'result',
      'message',
      'reply',
      'refusal',
    ],
  },
  'action.denied': {
    version: 1,
    code: 'A400W',
    fields: [...PROPOSED, 'measured'],
    payload: [...PROPOSED_PAYLOAD, 'measured'],
  },
  'action.drafted': {
    version: 1,
    code: 'A410I',
    fields: [...PROPOSED, 'measured'],
    payload: [...PROPOSED_PAYLOAD, 'measured'],
  },
  'action.parked': {
    version: 1,
    code: 'A420N',
    fields: [
      ...PROPOSED,
      'measured',
      'approval',
      'digest',
      'target',
      'halt',
      'askedAt',
      'expiresAt',
      'preview',
    ],
    payload: [...PROPOSED_PAYLOAD, 'measured', 'shown', 'binding', 'askKey'],
  },
  'approval.answered': {
    version: 1,
    code: 'P100N',
    byField: { field: 'answer', codes: { approved: 'P100N', refused: 'P101N' } },
    fields: ['approval', 'action', 'answer', 'by'],
    payload: ['because'],
  },
  'approval.voided': {
    version: 1,
    code: 'P200W',
    fields: ['approval', 'action', 'cause', 'halt'],
    payload: ['because'],
  },
  'halt.raised': {
    version: 1,
    code: 'H100W',
    fields: ['scope', 'epoch', 'by', 'voided', 'tokens'],
    payload: ['reason'],
  },
  'halt.inert': { version: 1, code: 'H200N', fields: ['scope', 'epoch'], payload: ['report'] },
  'halt.lifted': {
    version: 1,
    code: 'H300W',
    fields: ['scope', 'epoch', 'lifted', 'by', 'alone'],
    payload: ['reason'],
  },
  'lease.written': {
    version: 1,
    code: 'L100I',
    byField: {
      field: 'state',
      codes: {
        minting: 'L100I',
        live: 'L110I',
        revoking: 'L120N',
        dead: 'L130N',
        residual: 'L140E',
      },
    },
    fields: [
      'lease',
      'run',
      'agent',
      'connection',
      'issuer',
      'handle',
      'revocability',
      'state',
      'mintedAt',
      'expiresAt',
      'replica',
    ],
    payload: ['note'],
  },
  'token.issued': {
    version: 1,
    code: 'T100I',
    fields: ['token', 'kind', 'subject', 'expiresAt'],
    payload: [],
  },
  'token.renewed': { version: 1, code: 'T110I', fields: ['token', 'expiresAt'], payload: [] },
  'token.revoked': { version: 1, code: 'T200N', fields: ['token', 'cause'], payload: [] },
  'agent.enrolled': {
    version: 1,
    code: 'I100N',
    fields: ['agent', 'token', 'expiresAt', 'by'],
    payload: [],
  },
  'operator.added': {
    version: 1,
    code: 'I200N',
    fields: ['operator', 'role', 'token', 'expiresAt', 'setup'],
    payload: [],
  },
  'drill.begun': { version: 1, code: 'D100N', fields: ['drill', 'agent', 'by'], payload: [] },
  /** `report` is the very text that `signature` signs. */
  'drill.kept': {
    version: 1,
    code: 'D200N',
    byField: { field: 'ok', codes: { true: 'D200N', false: 'D201E' } },
    fields: ['drill', 'ok', 'report', 'signature'],
    payload: [],
  },
  'secret.set': { version: 1, code: 'S100N', fields: ['name', 'version', 'by'], payload: [] },
  'secret.forgotten': { version: 1, code: 'S200N', fields: ['name', 'by'], payload: [] },
} as const satisfies { readonly [type: string]: EventKind };

export type EventType = keyof typeof EVENTS;

/** What a chain must begin with. */
export const FIRST_OF_SYSTEM: EventType = 'ledger.created';
export const FIRST_OF_RUN: EventType = 'run.begun';

/** One record to be: `body` is hashed, `payload` is sealed apart. */
export interface EventDraft {
  readonly chain: string;
  readonly type: EventType;
  readonly at: number;
  readonly body: { readonly [field: string]: unknown };
  readonly payload?: { readonly [field: string]: unknown };
}

export function codeOf(type: EventType, body: { readonly [field: string]: unknown }): string {
  const kind: EventKind = EVENTS[type];
  if (kind.byField === undefined) return kind.code;
  return kind.byField.codes[String(body[kind.byField.field])] ?? kind.code;
}

export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENTS, type);
}
