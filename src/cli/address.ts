import { SignalboxError } from '../domain/errors.ts';

/** Keys travel over loopback or TLS and nothing else. */
export function checkedUrl(text: string): string {
  const url = URL.parse(text);
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url?.hostname ?? '');
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback))
    return url.href.replace(/\/+$/, '');
  throw new SignalboxError(
    'USAGE',
    `expected an https address, or an http one of this machine, got \`${text}\``,
  );
}
