import type { Resolve } from '../../boundary/egress.ts';
import { credentialHeader } from '../../boundary/outbound.ts';
import { type Redact, redactorFor } from '../../boundary/redact.ts';
import type { Connection, Tool } from '../../domain/bundle.ts';
import {
  type Call,
  type Connector,
  ConnectorFailure,
  type Flight,
} from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { ToolResult } from '../../domain/proposal.ts';
import { failureOf, headOf, isSuccess, resultOf } from './answer.ts';
import { type Answer, exchange, Lost } from './exchange.ts';
import {
  fillRequest,
  isOutward,
  type Request,
  type RequestTemplate,
  requestTemplate,
} from './request.ts';
import { persistently } from './retries.ts';
import { MAX_BUSY, type Target, Targets } from './targets.ts';

/** How much of an answer is read in order to hand on parts of it. */
const MAX_PROJECTED = 4 * 1024 * 1024;

export interface HttpOptions {
  readonly resolve?: Resolve;
  /** Told when the target takes a credential for none or for too little. */
  readonly challenged?: (connection: Connection, refused: Refused) => void;
}

interface Refused {
  readonly status: 401 | 403;
  /** `WWW-Authenticate`; empty when there was none. */
  readonly header: string;
  readonly leaseId?: string;
}

/**
 * Calls HTTP APIs. A request cannot be taken back, so nothing is sent before `finish`: a preview shows that the request
 * can be made and nothing more. Follows no redirect; sends again only what retries.ts says.
 */
export function createHttpConnector(doors: Doors, options: HttpOptions = {}): Connector {
  const targets = new Targets(options.resolve);
  const templates = new WeakMap<Tool, RequestTemplate>();
  const templateOf = (tool: Tool): RequestTemplate => {
    const known = templates.get(tool);
    if (known !== undefined) return known;
    const template = requestTemplate(tool);
    templates.set(tool, template);
    return template;
  };
  const told = ({ connection, credential }: Call, status: 401 | 403, { headers }: Answer): void => {
    const header = String(headers['www-authenticate'] ?? '');
    const leaseId = credential === null ? {} : { leaseId: credential.leaseId };
    options.challenged?.(connection, { status, header, ...leaseId });
  };
  return {
    kind: 'http',
    async begin(call: Call): Promise<Flight> {
      const target = targets.of(call.connection);
      if (target.busy >= MAX_BUSY)
        throw new ConnectorFailure(
          'OVERLOADED',
          `${MAX_BUSY} calls to \`${call.connection.name}\` are under way`,
          'none',
        );
      const template = templateOf(call.tool);
      const request = prepare(call, template, target);
      return {
        measured: null,
        trace: null,
        finish: () => send(doors, call, template, request, target, told),
        cancel: async () => {},
      };
    },
    /** Only the target knows, and HTTP has no question for it. */
    async probe({ tool }) {
      return tool.effect === 'read' ? 'failed' : 'unknown';
    },
    async release() {},
    close: () => targets.close(),
  };
}

function prepare(call: Call, template: RequestTemplate, target: Target): Request {
  let request: Request;
  try {
    request = fillRequest(template, target.url, call.arguments);
  } catch (error) {
    // ours are written to be read and quote no value; anything else is not shown
    const why = error instanceof TypeError ? error.message : 'its template cannot be filled';
    throw new ConnectorFailure('CONNECTOR_REFUSED', `the request cannot be made: ${why}`, 'none');
  }
  const bytes = Buffer.byteLength(request.path) + Buffer.byteLength(request.body ?? '');
  const { bytesOut } = call.tool.cap;
  if (bytes > bytesOut && isOutward(call.connection, target.url))
    throw new ConnectorFailure(
      'CONNECTOR_REFUSED',
      `the request would send ${bytes} bytes out of the organisation, at most ${bytesOut}`,
      'none',
    );
  const key = template.idempotencyHeader;
  const credential = credentialHeader(call.connection, call.credential);
  return {
    ...request,
    headers: {
      ...request.headers,
      ...(key === null ? {} : { [key]: call.actionId }),
      ...(credential === null ? {} : { [credential[0]]: credential[1] }),
    },
  };
}

async function send(
  doors: Doors,
  call: Call,
  template: RequestTemplate,
  request: Request,
  target: Target,
  told: (call: Call, status: 401 | 403, answer: Answer) => void,
): Promise<ToolResult> {
  const { tool, connection } = call;
  if (call.purpose === 'preview')
    throw new ConnectorFailure('CONNECTOR_REFUSED', 'a preview is never sent', 'none');
  const redact = redactorOf(call.credential);
  try {
    const maxBytes = template.parts === null ? tool.maxResultBytes : MAX_PROJECTED;
    const answer = await persistently(doors, template.retries, tool.timeoutMs, (timeoutMs) =>
      exchange(target, request, { timers: doors.timers, timeoutMs, maxBytes, signal: call.signal }),
    );
    if (answer.status === 401 || answer.status === 403) told(call, answer.status, answer);
    if (!isSuccess(answer)) throw failureOf(answer, tool.effect, redact);
    return request.method === 'HEAD'
      ? headOf(answer, redact)
      : resultOf(answer, tool.maxResultBytes, template.parts, redact);
  } catch (error) {
    throw error instanceof Lost ? failureOfLoss(error, tool, connection) : error;
  }
}

const redactors = new WeakMap<Credential, Redact>();

/** A run's calls share a credential, and with it what hides it. */
function redactorOf(credential: Credential | null): Redact {
  if (credential?.kind !== 'secret') return (text) => text;
  const known = redactors.get(credential);
  if (known !== undefined) return known;
  const redact = redactorFor([credential.value]);
  redactors.set(credential, redact);
  return redact;
}

function failureOfLoss(
  { sent, why, cause }: Lost,
  tool: Tool,
  { name }: Connection,
): ConnectorFailure {
  const effect = sent && tool.effect !== 'read' ? 'unknown' : 'none';
  if (why === 'deadline')
    return new ConnectorFailure(
      'CONNECTOR_TIMEOUT',
      `\`${name}\` gave no answer in ${tool.timeoutMs} ms`,
      effect,
    );
  if (why === 'aborted')
    return new ConnectorFailure(
      'CONNECTOR_ABORTED',
      sent ? 'the call was aborted after it was sent' : 'the call was aborted before it was sent',
      effect,
    );
  if (cause instanceof SignalboxError)
    return new ConnectorFailure(cause.code, cause.message, effect);
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? 'unknown fault';
  return new ConnectorFailure(
    'CONNECTOR_UNREACHABLE',
    sent
      ? `the connection to \`${name}\` was lost before an answer came (${code})`
      : `\`${name}\` cannot be reached (${code})`,
    effect,
  );
}
