import { Agent } from 'undici';
import type { Timers } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import { reachOfUrl } from './agents.ts';
import { bounded } from './bounded.ts';
import { guardedConnect, type Resolve } from './egress.ts';

export interface DownloadTerms {
  readonly timers: Timers;
  readonly maxBytes: number;
  /** The document may stand at a private address. */
  readonly allowPrivate: boolean;
  readonly resolve?: Resolve;
}

const TIMEOUT_MS = 20_000;

/**
 * One document over the guarded way out: every address checked where it is dialled, no redirect followed, no more than
 * it may hold. Throws SignalboxError EGRESS_REFUSED, CONNECTOR_…
 */
export async function download(url: URL, terms: DownloadTerms): Promise<string> {
  const reach = reachOfUrl(url, terms.allowPrivate);
  if (reach === null) throw new SignalboxError('EGRESS_REFUSED', `\`${url.origin}\` is not https`);
  const agent = new Agent({
    connect: guardedConnect(reach, terms.resolve),
    allowH2: false,
  });
  const patience = new AbortController();
  const timer = terms.timers.after(TIMEOUT_MS, () => patience.abort());
  try {
    const { statusCode, body } = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'GET',
      headers: {
        accept: 'application/json, application/yaml, */*;q=0.5',
        'user-agent': 'signalbox',
      },
      signal: patience.signal,
    });
    if (statusCode !== 200)
      throw new SignalboxError(
        'CONNECTOR_REFUSED',
        `\`${url.host}\` answered ${statusCode}${statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : ''}`,
      );
    const tooLong = (): Error =>
      new SignalboxError(
        'CONFIG_TOO_LARGE',
        `the document at \`${url.host}\` has more than ${terms.maxBytes} bytes`,
      );
    return (await bounded(body, terms.maxBytes, tooLong)).toString();
  } catch (error) {
    if (error instanceof SignalboxError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new SignalboxError(
      'CONNECTOR_UNREACHABLE',
      `\`${url.host}\` cannot be reached (${code})`,
    );
  } finally {
    timer.cancel();
    await agent.destroy();
  }
}
