import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * What an address is, whatever it is disguised as. `private`: RFC 1918, unique local, loopback, shared (carrier) space;
 * `forbidden`: link-local, metadata services, multicast, unspecified, reserved. No connection is ever made to those.
 */
export type AddressKind = 'public' | 'private' | 'forbidden';

const FORBIDDEN_4 = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // metadata and wire services of clouds that live in otherwise ordinary ranges
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
] as const;

const PRIVATE_4 = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const;

const FORBIDDEN_6 = [
  ['fd00:ec2::', 32], // metadata service of a large cloud, inside unique local space
  ['fd20:ce::', 32],
] as const;

const PRIVATE_6 = [
  ['::1', 128],
  ['fc00::', 7],
] as const;

/** Only global unicast is public; of it, these hold no host that we may mean. */
const RESERVED_6 = [
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['2001::', 23], // Teredo, ORCHID, benchmarking: another address hides inside
] as const;

function listOf(
  ranges: readonly (readonly [string, number])[],
  family: 'ipv4' | 'ipv6',
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}

const forbidden4 = listOf(FORBIDDEN_4, 'ipv4');
const private4 = listOf(PRIVATE_4, 'ipv4');
const forbidden6 = listOf(FORBIDDEN_6, 'ipv6');
const private6 = listOf(PRIVATE_6, 'ipv6');
const reserved6 = listOf(RESERVED_6, 'ipv6');
const global6 = listOf([['2000::', 3]], 'ipv6');

/** Classes a literal address. Anything that is no address is `forbidden`. */
export function addressKind(address: string): AddressKind {
  if (isIPv4(address)) return kindOf4(address);
  const bare = address.split('%')[0] ?? '';
  if (!isIPv6(bare) || bare !== address) return 'forbidden';
  const groups = groupsOf(bare);
  const inner = embeddedIPv4(groups);
  if (inner !== null) return kindOf4(inner);
  const own = ownTranslator(groups);
  if (own.length > 0) return worst(own.map(kindOf4));
  const isatap = isatapIPv4(groups);
  return worst([rangeOf6(bare), ...(isatap === null ? [] : [kindOf4(isatap)])]);
}

function rangeOf6(address: string): AddressKind {
  if (forbidden6.check(address, 'ipv6')) return 'forbidden';
  if (private6.check(address, 'ipv6')) return 'private';
  const open = global6.check(address, 'ipv6') && !reserved6.check(address, 'ipv6');
  return open ? 'public' : 'forbidden';
}

function kindOf4(address: string): AddressKind {
  if (forbidden4.check(address)) return 'forbidden';
  return private4.check(address) ? 'private' : 'public';
}

/** The IPv4 address that an IPv6 address stands for: mapped, compatible, translated, NAT64, 6to4. */
function embeddedIPv4(groups: readonly number[]): string | null {
  const startsWith = (...prefix: number[]) => prefix.every((group, i) => groups[i] === group);
  const at = (high: number) => dotted(groups[high] ?? 0, groups[high + 1] ?? 0);
  const low = (groups[6] ?? 0) * 65536 + (groups[7] ?? 0);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return at(6);
  if (startsWith(0, 0, 0, 0, 0xffff, 0)) return at(6);
  if (startsWith(0, 0, 0, 0, 0, 0) && low > 1) return at(6);
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return at(6);
  if (startsWith(0x2002)) return at(1);
  return null;
}

/**
 * The IPv4 addresses that one of a translator of our own (64:ff9b:1::/48) may stand for: its prefix may end after 48, 56,
 * 64 or 96 bits (RFC 6052), and nobody here knows which. None is public, whoever is meant.
 */
function ownTranslator(groups: readonly number[]): string[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  if (a !== 0x64 || b !== 0xff9b || c !== 1) return [];
  const places = [
    dotted(d, ((e & 255) << 8) | (f >> 8)),
    dotted(((d & 255) << 8) | (e & 255), f),
    dotted(((e & 255) << 8) | (f >> 8), ((f & 255) << 8) | (g >> 8)),
    dotted(g, h),
  ];
  return ['10.0.0.0', ...places.filter((place) => !place.startsWith('0.'))];
}

/** ISATAP: the interface says its own IPv4 address. */
function isatapIPv4(groups: readonly number[]): string | null {
  const [, , , , e = 0, f = 0, g = 0, h = 0] = groups;
  return (e === 0 || e === 0x200) && f === 0x5efe ? dotted(g, h) : null;
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function worst(kinds: readonly AddressKind[]): AddressKind {
  if (kinds.includes('forbidden')) return 'forbidden';
  return kinds.includes('private') ? 'private' : 'public';
}

function groupsOf(address: string): number[] {
  const [head = '', tail] = withoutDots(address).split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/** `::ffff:1.2.3.4` is written in groups like everything else. */
function withoutDots(address: string): string {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted === null) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  const groups = [a * 256 + b, c * 256 + d].map((group) => group.toString(16)).join(':');
  return address.slice(0, dotted.index) + groups;
}
