/** The table of errors. Codes are stable; docs/reference/errors.md lists the same ones, and a test holds them equal. */
export const ERRORS = {
  // configuration
  CONFIG_SYNTAX: { status: 400, fix: 'mend the YAML at the place named' },
  CONFIG_INVALID: {
    status: 400,
    fix: 'mend the field named; docs/reference/configuration.md lists all fields',
  },
  CONFIG_TOO_LARGE: { status: 413, fix: 'keep `signalbox.yaml` under 1 MiB' },
  CONFIG_MISSING: { status: 404, fix: 'run `signalbox init` to write one' },
  POLICY_INVALID: {
    status: 400,
    fix: 'mend the policy at the line named; `signalbox policy check` tells every fault',
  },
  TOOL_UNDERSTATED: {
    status: 400,
    fix: 'declare the effect that the statement or method really has',
  },
  TOOL_STATEMENT: { status: 400, fix: 'use one statement with named parameters such as `:id`' },
  TOOL_FORBIDDEN: { status: 400, fix: 'remove the construct named; an agent tool may not use it' },
  TOOL_UNRESOLVED: {
    status: 400,
    fix: 'check the name at the connection; `signalbox plan` reads the live catalogue',
  },
  TOOL_DRIFTED: {
    status: 409,
    fix: 'the system changed since the plan: run `signalbox plan` and `signalbox apply` again',
  },
  PLAN_INSPECTS: {
    status: 409,
    fix: 'read how the server is reached, then let an owner run `signalbox plan --inspect NAME`',
  },
  RUNG_NOT_EARNED: {
    status: 400,
    fix: 'use rung `approve`; `auto` on a write needs an exercised undo and idempotency',
  },
  BUNDLE_MOVED: {
    status: 409,
    fix: 'run `signalbox plan` again: somebody applied another bundle meanwhile',
  },
  APPLY_NEEDS_OWNER: {
    status: 403,
    fix: 'ask an owner to run `signalbox apply`: the plan widens authority',
  },
  // identity
  TOKEN_MISSING: {
    status: 401,
    fix: 'send `Authorization: Bearer <run token>`; `signalbox run` hands one to your command',
  },
  TOKEN_INVALID: {
    status: 401,
    fix: 'start a new run: this token is unknown, mistyped or revoked',
  },
  TOKEN_EXPIRED: { status: 401, fix: 'renew the token while its run lives, or start a new run' },
  TOKEN_AUDIENCE: { status: 403, fix: 'use this kind of token at the listener it was made for' },
  RUN_OVER: { status: 403, fix: 'start a new run' },
  DELEGATION_WIDENS: {
    status: 403,
    fix: 'ask for less: a sub-run can do, spend and last no more than its parent',
  },
  DELEGATION_DEPTH: { status: 403, fix: 'let a run nearer to the root begin it' },
  DELEGATION_FULL: { status: 409, fix: 'end a sub-run of this tree first' },
  RUN_NOT_FOUND: { status: 404, fix: '`signalbox run list` shows the runs' },
  AGENT_UNKNOWN: { status: 403, fix: 'declare the agent in `signalbox.yaml` and apply it' },
  OPERATOR_UNKNOWN: {
    status: 401,
    fix: '`signalbox login --key-stdin`, or use the setup code printed at first start',
  },
  SETUP_CODE: {
    status: 403,
    fix: 'the setup code works once and for 10 minutes; start `signalbox up` again for a new one',
  },
  OWNER_NEEDED: { status: 403, fix: 'ask an owner to do it' },
  CSRF: { status: 403, fix: 'reload the page and try again' },
  HOST_REFUSED: { status: 421, fix: 'call the listener by an address it was started with' },
  ORIGIN_REFUSED: { status: 403, fix: 'this listener takes no calls from other web origins' },
  // requests
  REQUEST_MALFORMED: { status: 400, fix: 'send what the reference describes' },
  REQUEST_TOO_LARGE: { status: 413, fix: 'keep the body under the limit named' },
  REQUEST_TOO_SLOW: { status: 408, fix: 'send the whole request in time' },
  REQUEST_UNSUPPORTED: { status: 415, fix: 'send `content-type: application/json`' },
  EXPECTATION_REFUSED: { status: 417, fix: 'send the request without `expect`' },
  METHOD_REFUSED: { status: 405, fix: 'use the method named in `allow`' },
  NOT_FOUND: { status: 404, fix: 'check the path' },
  ANSWER_ELSEWHERE: {
    status: 409,
    fix: 'send it to the replica that asked: route by `mcp-session-id` while a question is open',
  },
  OVERLOADED: { status: 429, fix: 'try again after the time in `retry-after`' },
  // decisions that reach an agent
  DENIED: { status: 403, fix: 'read the reasons: each says what would pass' },
  STAMP_UNSTABLE: { status: 503, fix: 'try again: the rules changed three times during this call' },
  APPROVAL_NOT_FOUND: { status: 404, fix: '`signalbox approvals` shows the open ones' },
  APPROVAL_CHANGED: {
    status: 409,
    fix: 'look at it again: what was shown is not what would run',
  },
  APPROVAL_CLOSED: {
    status: 409,
    fix: 'it was answered, used, voided or has expired; propose again',
  },
  APPROVAL_OWN: { status: 403, fix: 'somebody who did not propose it must answer' },
  HALTED: { status: 403, fix: 'an operator can lift it with `signalbox resume`' },
  HALT_SCOPE: {
    status: 400,
    fix: 'use `all`, or `run`, `agent`, `tool`, `connection`, `credential`, `model` with a name',
  },
  HALT_NOT_FOUND: { status: 404, fix: '`signalbox halt list` lists the halts in force' },
  RESUME_NEEDS_OWNER: {
    status: 403,
    fix: 'an owner lifts it: `signalbox resume …`',
  },
  RESUME_NEEDS_ANOTHER: {
    status: 403,
    fix: 'another operator looks at it and lifts it: `signalbox resume …`',
  },
  RESUME_NEEDS_KEY: {
    status: 403,
    fix: 'give the operator key itself: `signalbox resume …`, or the key field on the page',
  },
  DRILL_UNPLANNED: {
    status: 409,
    fix: 'plan one under `drill` in `signalbox.yaml`, or name an agent: `signalbox drill --agent NAME`',
  },
  DRILL_BUSY: { status: 409, fix: '`signalbox drill list` shows it; one drill at a time' },
  DRILL_BLIND: {
    status: 502,
    fix: 'let the tool named by `drill.look` answer with the numbers `now` and `last`, in milliseconds',
  },
  DRILL_FORGED: {
    status: 400,
    fix: 'this is not what was signed: ask for the file again, from the ledger itself',
  },
  // connectors and credentials
  CONNECTOR_TIMEOUT: { status: 504, fix: 'narrow the call, or raise the tool timeout' },
  CONNECTOR_UNREACHABLE: { status: 502, fix: 'check the connection with `signalbox doctor`' },
  CONNECTOR_REFUSED: { status: 502, fix: 'the target refused; its message says why' },
  CONNECTOR_ABORTED: { status: 499, fix: 'the call was aborted by its caller or by a halt' },
  CONNECTOR_UNMEASURED: {
    status: 502,
    fix: 'switch `track_counts` on: the effect cannot be measured before commit',
  },
  QUERY_REFUSED: {
    status: 400,
    fix: 'write one SELECT over the tables that the tool lists, with plain functions and types',
  },
  QUERY_TOO_DEAR: {
    status: 400,
    fix: 'narrow it: a condition on an indexed column, fewer joins, less to sort or to count',
  },
  EGRESS_REFUSED: {
    status: 403,
    fix: 'name the host in the connection; private addresses need `allowPrivate`',
  },
  OUTCOME_UNKNOWN: {
    status: 502,
    fix: 'look at the target before repeating: the effect may have happened',
  },
  TOOL_CHANGED: {
    status: 409,
    fix: 'the server defines this tool otherwise now: `signalbox plan` shows it, `signalbox apply` accepts it',
  },
  LAUNCH_CHANGED: {
    status: 409,
    fix: 'look at what was installed there; if it is meant, an owner runs `signalbox plan --inspect NAME` and applies it',
  },
  TOOL_GONE: {
    status: 409,
    fix: 'the server no longer offers this tool; `signalbox plan` shows what it offers',
  },
  CREDENTIAL_FAILED: {
    status: 502,
    fix: 'check the connection secret and the broker rights with `signalbox doctor`',
  },
  CONSULT_FAILED: {
    status: 502,
    fix: 'look at what is asked under `consults`: it did not answer as it must',
  },
  AUTHORIZATION_NEEDED: {
    status: 409,
    fix: 'an owner runs `signalbox connection authorize NAME`',
  },
  AUTHORIZATION_FAILED: {
    status: 502,
    fix: 'mend what the message names, then `signalbox connection authorize NAME` again',
  },
  CREDENTIAL_REFUSED: {
    status: 502,
    fix: 'the target did not take the credential of this connection: renew its secret or its authorization',
  },
  SUBJECT_REFUSED: {
    status: 403,
    fix: 'name a user that the bundle has and lists under `subjects` of this agent',
  },
  SUBJECT_TOKEN: {
    status: 403,
    fix: 'get a new token for this agent from its identity provider; `subjectToken` of the agent says which',
  },
  SECRET_MISSING: { status: 404, fix: '`signalbox secret set NAME` stores it encrypted' },
  MASTER_KEY: {
    status: 500,
    fix: 'the key file must be a 0600 file of this user with the key of this data directory',
  },
  // store and ledger
  STORE_DOWN: {
    status: 503,
    fix: 'nothing runs without the store; look at its disk, then `signalbox doctor`',
  },
  STORE_STALE: {
    status: 503,
    fix: 'nothing runs on old knowledge of halts: try again when the store can be reached',
  },
  STORE_NEWER: {
    status: 500,
    fix: 'this data was written by a newer Signalbox; upgrade the program',
  },
  STORE_LOCKED: {
    status: 409,
    fix: 'another Signalbox uses this data directory; stop it or choose another',
  },
  LEDGER_BROKEN: {
    status: 500,
    fix: 'the ledger was changed outside Signalbox; keep the files and see docs/reference/ledger.md',
  },
  NOT_SEALED: {
    status: 409,
    fix: 'records are sealed about a second after they are made; `signalbox ledger checkpoint` shows how far',
  },
  NOTE_MALFORMED: {
    status: 400,
    fix: 'give the file or line as `signalbox ledger key`, `checkpoint` or `prove` printed it',
  },
  SIGNATURE_INVALID: {
    status: 409,
    fix: 'take the key from where you kept it, not from where the file came from; see docs/reference/ledger.md',
  },
  // command line
  USAGE: { status: 400, fix: '`signalbox help` lists the commands and their options' },
  UNREACHABLE: {
    status: 503,
    fix: 'start it with `signalbox up`, or name its operators address with `--url`',
  },
  NOT_CONFIRMED: { status: 409, fix: 'nothing was changed; `--yes` answers for you' },
  ARTEFACT_CHANGED: {
    status: 409,
    fix: 'look at the files named; if they are meant, `signalbox artefact pin` accepts them',
  },
  CLIENT_CHANGED: {
    status: 409,
    fix: 'look at the file of the client, then do it again',
  },
  NOT_ADOPTED: {
    status: 404,
    fix: 'name a file that `signalbox adopt` took over, as this user and with this SIGNALBOX_HOME',
  },
  FILE_EXISTS: { status: 409, fix: 'choose another name; files are never overwritten' },
  FILE_UNSAFE: { status: 403, fix: 'give the file to yourself alone: `chmod 600`' },
  INTERNAL: {
    status: 500,
    fix: 'report it with the id shown; nothing was executed without a record',
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** A fault with a stable code. `message`: lower-case, what was expected and what came. Never holds a secret. */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  readonly help: string;
  readonly status: number;
  /** `path:line:column` for faults of files. */
  readonly at: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { help?: string; at?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'SignalboxError';
    this.code = code;
    this.help = more.help ?? ERRORS[code].fix;
    this.status = ERRORS[code].status;
    this.at = more.at;
  }

  toJSON(): { code: string; message: string; help: string; at?: string } {
    return {
      code: this.code,
      message: this.message,
      help: this.help,
      ...(this.at === undefined ? {} : { at: this.at }),
    };
  }
}

/** What may leave the process of any thrown thing: ours as it is, anything else as INTERNAL without its text. */
export function exposed(error: unknown): SignalboxError {
  return error instanceof SignalboxError
    ? error
    : new SignalboxError('INTERNAL', 'an unexpected fault was stopped here', { cause: error });
}
