import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/*
 * A certificate authority for one test, and certificates by it: X.509 version 3 with P-256 keys, written in DER by hand,
 * because Node signs and reads certificates and does not make them.
 */

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, in PEM. */
  readonly ca: string;
  /** Names: as in a URL; those that are four numbers are addresses. */
  certify(...names: readonly string[]): Certified;
}

const SHA256_ECDSA = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const ALT_NAMES = '2.5.29.17';
const CONSTRAINTS = '2.5.29.19';
const DAY_MS = 86_400_000;

export function authority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const isCa = sequence(oid(CONSTRAINTS), TRUE, octets(sequence(TRUE)));
  const ca = certificate({
    issuer: name,
    subject: name,
    key: publicKey,
    by: privateKey,
    extra: isCa,
  });
  return {
    ca,
    certify(...names) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extra = sequence(oid(ALT_NAMES), octets(sequence(...names.map(altName))));
      const subject = names[0] ?? 'nobody';
      return {
        cert: certificate({ issuer: name, subject, key: own.publicKey, by: privateKey, extra }),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}

interface Wanted {
  readonly issuer: string;
  readonly subject: string;
  readonly key: KeyObject;
  readonly by: KeyObject;
  readonly extra: Buffer;
}

function certificate({ issuer, subject, key, by, extra }: Wanted): string {
  const algorithm = sequence(oid(SHA256_ECDSA));
  const now = Date.now();
  const signed = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time(now - DAY_MS), time(now + DAY_MS)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(extra)),
  );
  const der = sequence(signed, algorithm, bits(sign('sha256', signed, by)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const TRUE = tagged(0x01, Buffer.from([0xff]));

function altName(name: string): Buffer {
  return /^\d+(\.\d+){3}$/.test(name)
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name));
}

function nameOf(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid(COMMON_NAME), tagged(0x0c, Buffer.from(name)))));
}

/** UTCTime, to the second. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return tagged(0x17, Buffer.from(digits.slice(2)));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((part) => {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content);
}

function bits(content: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const long =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...long]), content]);
}
