import type { DrillGround } from '../broker/drill-ground.ts';
import { DRILL_DOCUMENT } from '../domain/drill.ts';
import { documentSigner } from '../store/signer.ts';
import { drillAgent } from '../surfaces/drill/agent.ts';
import { VERSION } from '../version.ts';
import type { Parts } from './listeners.ts';

/** The drill's way out: an agent's requests to our own listener, and a login that is tried past it. */
export function drillGround(parts: Parts, url: () => string): DrillGround {
  const { options, house, callers } = parts;
  const { broker, masterKey, adapters } = house;
  const { store, doors } = broker;
  const sign = documentSigner({ store, masterKey, clock: doors.clock });
  return {
    software: VERSION,
    token: async (run) => (await callers.issue(run)).token,
    tryCredential: async (at, credential) =>
      credential.kind === 'login' && at.kind === 'postgres'
        ? adapters.tryLogin(at, credential.user, credential.password)
        : 'unclear',
    sign: (text) => sign(DRILL_DOCUMENT, Buffer.from(text)),
    ...drillAgent({ url, cert: options.agents.tls?.cert }),
  };
}
