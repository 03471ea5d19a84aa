import { generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that answers as GitHub's API documents it, as far as a GitHub App's tokens go. Only tests use it. */
export interface TestGitHub {
  readonly url: string;
  /** PEM of the app's private key. */
  readonly privateKey: string;
  /** Tokens that work now. */
  readonly live: Map<string, { repositories: unknown; permissions: unknown }>;
  /** What was asked for, newest last. */
  readonly asked: { method: string; path: string; body: string; auth: string }[];
  readonly faults: {
    /** Gives every permission and repository, whatever was asked. */
    generous?: boolean;
    /** Answers this to a revocation, and ends nothing. */
    revocation?: number;
    /** Milliseconds that its clock is ahead. */
    ahead?: number;
    /** Takes an order to end a token, and goes on taking the token. */
    deaf?: boolean;
  };
  close(): Promise<void>;
}

const APP = '4711';
const INSTALLATION = '99';

export async function startGitHub(): Promise<TestGitHub> {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const http = createServer();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const github: TestGitHub = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    privateKey: String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    live: new Map(),
    asked: [],
    faults: {},
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  let serial = 0;
  const isApp = (assertion: string): boolean => {
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const signed = Buffer.from(`${head}.${claims}`);
    const good = verify('sha256', signed, keys.publicKey, Buffer.from(signature, 'base64url'));
    const { iss, exp, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}');
    return good && iss === APP && exp - iat <= 600 && exp * 1_000 > Date.now();
  };
  http.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url: path = '' } = request;
    const auth = request.headers.authorization ?? '';
    github.asked.push({ method, path, body, auth });
    const bearer = auth.replace(/^Bearer /, '');
    const answer = (status: number, value?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(value === undefined ? undefined : JSON.stringify(value));
    };
    const { faults, live } = github;
    if (path === `/app/installations/${INSTALLATION}/access_tokens`) {
      if (!isApp(bearer)) return answer(401, { message: 'A JSON web token could not be decoded' });
      const { repositories, permissions } = JSON.parse(body);
      const token = `ghs_token-of-the-test-${++serial}`;
      live.set(token, { repositories, permissions });
      const given = faults.generous ? { ...permissions, administration: 'write' } : permissions;
      return answer(201, {
        token,
        expires_at: new Date(Date.now() + (faults.ahead ?? 0) + 3_600_000).toISOString(),
        permissions: { metadata: 'read', ...given },
        repository_selection: repositories === undefined ? 'all' : 'selected',
      });
    }
    if (!live.has(bearer)) return answer(401, { message: 'Bad credentials' });
    if (method === 'DELETE' && path === '/installation/token') {
      if (faults.revocation !== undefined) return answer(faults.revocation);
      if (faults.deaf !== true) live.delete(bearer);
      return answer(204);
    }
    if (path.startsWith('/installation/repositories'))
      return answer(200, { total_count: 0, repositories: [] });
    answer(200, { echoed: auth });
  });
  return github;
}
