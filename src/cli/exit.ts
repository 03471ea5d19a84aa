import type { ErrorCode, SignalboxError } from '../domain/errors.ts';

/** What the process answers. Documented in docs/reference/cli.md; a test holds both equal. */
export const EXIT = {
  ok: { code: 0, meaning: 'done' },
  failed: { code: 1, meaning: 'refused or failed' },
  usage: { code: 2, meaning: 'the command line was not understood; nothing was tried' },
  unreachable: { code: 3, meaning: 'Signalbox could not be reached' },
  unauthorised: { code: 4, meaning: 'not logged in, or not allowed to do this' },
} as const;

const UNAUTHORISED: ReadonlySet<ErrorCode> = new Set([
  'APPLY_NEEDS_OWNER',
  'APPROVAL_OWN',
  'CSRF',
  'FILE_UNSAFE',
  'OPERATOR_UNKNOWN',
  'OWNER_NEEDED',
  'SETUP_CODE',
  'TOKEN_AUDIENCE',
  'TOKEN_EXPIRED',
  'TOKEN_INVALID',
  'TOKEN_MISSING',
] as const satisfies readonly ErrorCode[]);

export function exitOf(error: SignalboxError): number {
  if (error.code === 'USAGE') return EXIT.usage.code;
  if (error.code === 'UNREACHABLE') return EXIT.unreachable.code;
  return UNAUTHORISED.has(error.code) ? EXIT.unauthorised.code : EXIT.failed.code;
}
