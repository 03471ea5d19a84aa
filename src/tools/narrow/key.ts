import type { ActionRecord } from '../../domain/action-record.ts';
import type { Tool } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import { narrowingIn } from './narrowing.ts';

/** Its server knows a repeat by a key that we send. */
export function sendsKey({ binding }: Tool): boolean {
  return binding.narrow !== undefined && (narrowingIn(binding)?.key ?? null) !== null;
}

/** The same for the same call anywhere in a run tree, and for no other: 32 hexadecimal digits. */
export function repeatKey(
  root: string,
  {
    tool,
    toolDigest,
    argumentsDigest,
  }: Pick<ActionRecord, 'tool' | 'toolDigest' | 'argumentsDigest'>,
): string {
  return digestOf('repeat', { root, tool, toolDigest, argumentsDigest }).slice(0, 32);
}
