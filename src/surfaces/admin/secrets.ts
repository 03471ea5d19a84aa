import { plainWordIn } from '../../boundary/plain-words.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { secretsOf, secretUsers } from '../../domain/secret-users.ts';
import type { AdminDeps, Operator } from './deps.ts';
import { clip } from './desk.ts';

/** Stored secrets by name, with their age and who uses them. What Signalbox keeps for itself has a colon in its name. */
export async function listedSecrets({ broker, secrets }: AdminDeps): Promise<JsonObject> {
  const now = broker.doors.clock.now();
  const users = secretUsers(await broker.bundles.active());
  const names = (await secrets.names()).filter(({ name }) => !name.includes(':'));
  return {
    secrets: names.map(({ name, version, at }) => ({
      ...{ name, version, at, ageMs: Math.max(0, now - at) },
      usedBy: [...(users.get(name) ?? [])],
    })),
  };
}

interface Rotation {
  readonly name: string;
  readonly value: string;
  /** Ends leases that hold the old value now; else they run out, at most 15 minutes. */
  readonly now: boolean;
  readonly by: Operator;
}

/**
 * A new value in place of an old one. What is begun from now on uses the new one; runs that hold the old one go on with it
 * until their leases are over, so the old value must stay good at its source until `oldUntil`.
 */
export async function rotateSecret(
  { broker, secrets }: AdminDeps,
  { name, value, now, by }: Rotation,
): Promise<JsonObject> {
  const known = (await secrets.names()).some((one) => one.name === name);
  if (!known)
    throw new SignalboxError('SECRET_MISSING', `there is no secret \`${clip(name)}\` to rotate`);
  const { version } = await secrets.put(name, value, by.name);
  const { connections } = await broker.bundles.active();
  const fixed = new Set(
    Object.values(connections)
      .filter((one) => one.issuer === 'static-secret' && secretsOf(one).includes(name))
      .map((one) => one.name),
  );
  const at = broker.doors.clock.now();
  const live = await broker.store.leases({ state: ['minting', 'live'] });
  const holding = live.filter((lease) => fixed.has(lease.connection) && lease.mintedAt <= at);
  const ids = new Set(holding.map(({ id }) => id));
  if (now) await broker.credentials.revoke(({ id }) => ids.has(id));
  const oldUntil = now ? at : Math.max(at, ...holding.map(({ expiresAt }) => expiresAt));
  const body = { name, version, oldUntil, leases: ids.size, by: by.name };
  await broker.store.commit({ kind: 'system.note', type: 'secret.rotated', body, at });
  const note = plainWordIn(value);
  return { name, version, oldUntil, leases: ids.size, ...(note === null ? {} : { note }) };
}
