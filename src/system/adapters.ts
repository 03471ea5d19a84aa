import { createCommandConnector } from '../connectors/command/connector.ts';
import { createCommandInspector } from '../connectors/command/inspector.ts';
import { createHttpConnector } from '../connectors/http/connector.ts';
import { createHttpInspector } from '../connectors/http/inspector.ts';
import { createMcpConnector, type McpOptions } from '../connectors/mcp/connector.ts';
import { createMcpInspector } from '../connectors/mcp/inspector.ts';
import { createPostgresAdmin, type PostgresAdmin } from '../connectors/postgres/admin.ts';
import { createPostgresConnector } from '../connectors/postgres/connector.ts';
import { createPostgresInspector } from '../connectors/postgres/inspector.ts';
import { createSqliteConnector } from '../connectors/sqlite/connector.ts';
import { createSqliteInspector } from '../connectors/sqlite/inspector.ts';
import { createIssuers } from '../credentials/issuers.ts';
import type { UpstreamOAuth } from '../credentials/oauth/upstream.ts';
import { OutwardPool } from '../credentials/outward.ts';
import type { RenewableIssuer } from '../credentials/renewable-issuer.ts';
import { createReveal } from '../credentials/reveal.ts';
import type { Secrets } from '../credentials/secrets.ts';
import type { Change, Connector, Inspector } from '../domain/connector.ts';
import type { CredentialIssuer } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { SubjectTokens } from '../domain/subject-token.ts';
import { readText } from '../doors.ts';
import { KeySets, type ReadKeys } from '../identity/key-sets.ts';
import { createSubjectTokens } from '../identity/subject-tokens.ts';
import { VERSION } from '../version.ts';

/** What reaches systems outside: one connector, inspector and issuer of each kind. */
export interface Adapters {
  readonly connectors: readonly Connector[];
  readonly inspectors: readonly Inspector[];
  readonly issuers: readonly (CredentialIssuer | RenewableIssuer)[];
  readonly oauth: UpstreamOAuth;
  readonly subjects: SubjectTokens;
  readonly tryLogin: PostgresAdmin['tryLogin'];
  /** Calls and sessions first, then what they were opened with. */
  close(): Promise<void>;
}

interface Given {
  readonly doors: Doors;
  readonly store: Store;
  readonly secrets: Secrets;
  /** Stands in the names of what is made at sources: see `deploymentTag`. */
  readonly tag: string;
  /** Told of what must not leave this process. */
  readonly known: { add(value: string): void };
  /** Told of what an upstream serves anew. */
  readonly changed: (change: Change) => void;
}

/** Published keys of an identity provider, by the way out of everything about credentials. */
function readKeys(outward: OutwardPool): ReadKeys {
  return async (url, allowPrivate) => {
    const headers = { accept: 'application/json, application/jwk-set+json' };
    const answer = await outward.for(allowPrivate).send(url, { method: 'GET', headers });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    return answer.text();
  };
}

export function createAdapters({ doors, store, secrets, tag, known, changed }: Given): Adapters {
  const admin = createPostgresAdmin(secrets, doors);
  const issuing = createIssuers({ secrets, store, roles: admin, doors, readText, tag, known });
  const { all: issuers, oauth } = issuing;
  const outward = new OutwardPool(doors.timers);
  const reveal = createReveal(secrets, oauth);
  const challenged: McpOptions['challenged'] = (at, refused) => {
    if (at.issuer === 'oauth') void oauth.challenged(at, refused);
  };
  const upstream: McpOptions = { challenged, version: VERSION };
  const connectors = [
    createPostgresConnector(doors, admin),
    createSqliteConnector(doors),
    createHttpConnector(doors),
    createCommandConnector(doors),
    createHttpConnector(doors, { challenged }),
    createMcpConnector(doors, { ...upstream, feed: changed }),
  ];
  const inspectors = [
    createPostgresInspector(admin),
    createSqliteInspector(doors),
    createHttpInspector(),
    createCommandInspector(),
    createMcpInspector(doors, { ...upstream, reveal }),
  ];
  return {
    connectors,
    inspectors,
    issuers,
    oauth,
    subjects: createSubjectTokens(new KeySets(readKeys(outward), doors.clock), doors.clock),
    tryLogin: (...login) => admin.tryLogin(...login),
    async close() {
      await Promise.allSettled(connectors.map((connector) => connector.close()));
      await Promise.all([admin.close(), issuing.close(), outward.close()]);
    },
  };
}
