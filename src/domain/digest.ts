import { hash } from 'node:crypto';
import { canonical } from './json.ts';

/** Lower-case hexadecimal SHA-256 of the text's UTF-8 bytes. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** SHA-256 of the canonical bytes of `value`, in a named domain so that two kinds of thing never share a digest. */
export function digestOf(domain: string, value: unknown): string {
  return sha256(`signalbox/${domain}\n${canonical(value)}`);
}
