import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { bounded } from './bounded.ts';
import type { Resolve } from './egress.ts';
import { Unanswered, WayOut } from './way-out.ts';

export interface DownloadTerms {
  readonly timers: Timers;
  readonly maxBytes: number;
  /** The document may stand at a private address. */
  readonly allowPrivate: boolean;
  readonly resolve?: Resolve;
}

const TIMEOUT_MS = 20_000;

/** One document over the guarded way out, of no more than it may hold. Throws SignalboxError EGRESS_REFUSED, CONNECTOR_… */
export async function download(url: URL, terms: DownloadTerms): Promise<string> {
  const { timers, maxBytes, allowPrivate, resolve } = terms;
  const out = new WayOut(timers, 1, resolve);
  const headers = {
    accept: 'application/json, application/yaml, */*;q=0.5',
    'user-agent': 'signalbox',
  };
  const outgoing = { url, allowPrivate, method: 'GET' as const, headers, timeoutMs: TIMEOUT_MS };
  try {
    return await out.request(outgoing, async ({ statusCode, body }) => {
      if (statusCode !== 200)
        throw new SignalboxError(
          'CONNECTOR_REFUSED',
          `\`${url.host}\` answered ${statusCode}${statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : ''}`,
        );
      const tooLong = (): Error =>
        new SignalboxError(
          'CONFIG_TOO_LARGE',
          `the document at \`${url.host}\` has more than ${maxBytes} bytes`,
        );
      return (await bounded(body, maxBytes, tooLong)).toString();
    });
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    throw new SignalboxError(
      'CONNECTOR_UNREACHABLE',
      `\`${url.host}\` cannot be reached (${error.message})`,
    );
  } finally {
    await out.close();
  }
}
