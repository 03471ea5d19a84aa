import type { Organisation } from '../domain/bundle.ts';
import { folded, shown } from './spelling.ts';

/** One place or person that a destination comes down to. */
export interface Destination {
  /** In the spelling that is compared. */
  readonly name: string;
  readonly kind: 'address' | 'url' | 'host' | 'other';
  /** The domain it belongs to; null: none that can be told. */
  readonly domain: string | null;
}

const ADDRESS = /^(?:mailto:)?([^\s@<>,;]+)@([^\s@<>,;]+)$/;
const NAMED = /^[^<>]*<([^<>]+)>$/;
const HOST = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}[\p{L}\p{N}-]*\.?$/u;
const MAX_PARTS = 200;

/** A text that holds several addresses is all of them: `Ann <ann@x.com>, bob@y.com`. */
export function destinationsIn(text: string): Destination[] {
  const whole = folded(text).trim();
  const parts = (whole.match(/@/g)?.length ?? 0) > 1 ? whole.split(/[,;\n]+/) : [whole];
  const named = parts.map((part) => part.trim()).filter((part) => part !== '');
  return named.slice(0, MAX_PARTS).flatMap((part) => {
    if ((part.match(/@/g)?.length ?? 0) > 1 && !part.includes('://'))
      return part.split(/\s+/).map(one);
    return [one(part)];
  });
}

function one(part: string): Destination {
  const bare = NAMED.exec(part)?.[1]?.trim() ?? part;
  const [, local, domain] = ADDRESS.exec(bare) ?? [];
  if (local !== undefined && domain !== undefined) {
    const host = hostOf(domain);
    return { name: `${local}@${host ?? domain}`, kind: 'address', domain: host };
  }
  const url = urlIn(bare);
  if (url !== null) return url;
  if (HOST.test(bare)) {
    const host = hostOf(bare);
    return { name: host ?? bare, kind: 'host', domain: host };
  }
  return { name: bare, kind: 'other', domain: null };
}

/**
 * Scheme, port and dots within the path are spelled one way; what is asked for there is not cut off. The case of a path
 * is lost here as for every destination: what differs only so is not told apart, whoever wrote it.
 */
function urlIn(text: string): Destination | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\//.test(text)) return null;
  try {
    const { host, pathname, search, hash, username, password, protocol } = new URL(text);
    const secure = protocol === 'https:' || protocol === 'http:' ? '' : `${protocol}//`;
    const user = username === '' && password === '' ? '' : `${username}:${password}@`;
    const name = `${secure}${user}${host}${pathname.replace(/\/$/, '')}${search}${hash}`;
    return { name: folded(name), kind: 'url', domain: hostOf(host) };
  } catch {
    return null;
  }
}

/** As a name server would be asked; null for what is no name. */
function hostOf(domain: string): string | null {
  try {
    const { hostname } = new URL(`http://${domain.replace(/\.$/, '')}/`);
    return hostname === '' ? null : hostname.replace(/\.$/, '');
  } catch {
    return null;
  }
}

/** Whom an address comes down to: the members of a group, in turn; itself where it is none. */
export function resolved(
  destination: Destination,
  { groups = {} }: Organisation,
  above: readonly string[] = [],
): readonly Destination[] {
  const members = Object.hasOwn(groups, destination.name) ? groups[destination.name] : undefined;
  if (members === undefined || above.length > 8 || above.includes(destination.name))
    return [destination];
  const path = [...above, destination.name];
  return members.flatMap((member) =>
    destinationsIn(member).flatMap((each) =>
      resolved(each, { name: '', domains: [], groups }, path),
    ),
  );
}

/** Within the organisation: its domains, its workspaces. A group is inside when all of its members are. */
export function isInside(destination: Destination, organisation: Organisation): boolean {
  const all = resolved(destination, organisation);
  return all.length > 0 && all.every((each) => isOwn(each, organisation));
}

function isOwn({ name, domain }: Destination, { domains, workspaces = [] }: Organisation): boolean {
  if (workspaces.some((id) => name === folded(id))) return true;
  return domain !== null && domains.some((own) => domain === own || domain.endsWith(`.${own}`));
}

/** In a list of readers: an address, a domain, or everybody inside. */
export function isReader(
  destination: Destination,
  readers: readonly string[],
  organisation: Organisation,
): boolean {
  return resolved(destination, organisation).every((each) =>
    readers.some((reader) => {
      if (reader === 'organisation') return isOwn(each, organisation);
      const wanted = folded(reader);
      return (
        each.name === wanted ||
        (each.domain !== null && (each.domain === wanted || each.domain.endsWith(`.${wanted}`)))
      );
    }),
  );
}

/** Places that the operator knows, in the spelling that is compared. */
export function isListed(destination: Destination, listed: readonly string[]): boolean {
  return listed.some((each) => {
    const [known] = destinationsIn(each);
    return known !== undefined && known.name === destination.name;
  });
}

/**
 * Addresses in a text: every one that something could be sent to or fetched from. Without a scheme too, as mail programs
 * make links of them, where anything follows the host.
 */
export function addressesIn(
  text: string,
): { readonly url: string; readonly start: number; readonly end: number }[] {
  const found = shown(text).matchAll(
    /\b(?:[a-z][a-z0-9+.-]*:\/\/|www\.)[^\s<>"'`\])}]+|(?<![\w/])\/\/[\w-]+(?:\.[\w-]+)+[^\s<>"'`\])}]*|(?<![\w./@:-])(?:[a-z0-9-]+\.)+[a-z]{2,24}(?::\d+)?[/?#][^\s<>"'`\])}]+/gi,
  );
  return [...found].slice(0, MAX_PARTS).map((match) => {
    const url = match[0].replace(/[.,;:!?]+$/, '');
    return { url, start: match.index, end: match.index + url.length };
  });
}
