import type { JsonObject } from '../domain/json.ts';
import { NAME } from './names.ts';
import { closed, flag, ref, table, text } from './schema-parts.ts';

const PART = '[A-Za-z0-9_-][A-Za-z0-9_.-]*';
const PATH = `^${PART}(?:/${PART})*$`;
const ADDRESS = '^https?://[\\x21-\\x7e]+$';

/** How credentials are made for connections that hold no fixed secret. `secret`: the field that names one. */
export function credentialDefinitions(secret: JsonObject): JsonObject {
  const url = (description: string) => text(description, { pattern: ADDRESS });
  return {
    apiOAuth: closed('Tokens come from an authorization server', ['clientId'], {
      issuer: url('The authorization server; its endpoints are read from its metadata (RFC 8414)'),
      tokenUrl: url('Where tokens are asked for, for a server without metadata'),
      revocationUrl: url('Where tokens are ended (RFC 7009), when metadata does not say'),
      introspectionUrl: url('Where it is asked whether a token lives (RFC 7662), likewise'),
      authorizationUrl: url('Where a human agrees, for `authorization_code`, likewise'),
      grant: {
        enum: ['client_credentials', 'authorization_code'],
        default: 'client_credentials',
        description:
          'Our own credentials; or a human who agrees once by `signalbox connection authorize`, refreshed from then on',
      },
      clientId: text('Client id registered there', {
        maxLength: 500,
        pattern: '^[\\x21-\\x7e]+$',
      }),
      clientSecret: secret,
      perUser: flag(
        'Each user authorizes; runs on behalf of one use its grant, other runs none',
        false,
      ),
      scopes: {
        type: 'array',
        maxItems: 64,
        uniqueItems: true,
        items: text('One scope', { maxLength: 200, pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' }),
        description: 'Scopes to ask for',
      },
      resource: url('What tokens are for (RFC 8707); without it nothing is said'),
      check: text(
        'Path that answers 401 to a token that is over and anything else to one that lives',
        {
          maxLength: 500,
          pattern: '^/[\\x21-\\x7e]*$',
        },
      ),
    }),
    githubApp: closed(
      'Installation tokens of a GitHub App, narrowed',
      ['appId', 'installation', 'privateKey', 'permissions'],
      {
        appId: text('App id or client id', { maxLength: 64, pattern: '^[A-Za-z0-9.]+$' }),
        installation: text('Installation id', { maxLength: 20, pattern: '^[0-9]+$' }),
        privateKey: secret,
        repositories: {
          type: 'array',
          minItems: 1,
          maxItems: 500,
          uniqueItems: true,
          items: text('Name of a repository, without its owner', {
            maxLength: 100,
            pattern: '^[A-Za-z0-9._-]+$',
          }),
          description: 'The only repositories; without it all that the installation reaches',
        },
        permissions: {
          type: 'object',
          description: 'The only permissions, by their name',
          minProperties: 1,
          maxProperties: 50,
          propertyNames: { pattern: '^[a-z][a-z_]{0,63}$' },
          additionalProperties: { enum: ['read', 'write', 'admin'], description: 'How far' },
        },
      },
    ),
    ...vaultDefinitions(secret),
  };
}

function vaultDefinitions(secret: JsonObject): JsonObject {
  const mount = (usual: string) =>
    text('Where the engine is mounted', { maxLength: 200, pattern: PATH, default: usual });
  const server = text('Name of a server under `vaults`', { pattern: NAME });
  return {
    vaultDatabase: closed('Logins made by a vault’s database engine', ['server', 'role'], {
      server,
      mount: mount('database'),
      role: text('Role there; `{agent}` in it stands for the agent’s name', {
        maxLength: 200,
        pattern: '^[A-Za-z0-9_.{}-]+$',
      }),
    }),
    vaultKv: closed(
      'A value in a vault’s key-value engine, version 2',
      ['server', 'path', 'field'],
      {
        server,
        mount: mount('secret'),
        path: text('Path of the secret, without `data/`', { maxLength: 500, pattern: PATH }),
        field: text('Field that holds the value', { maxLength: 200 }),
      },
    ),
    vault: closed('A Vault or OpenBao server', ['url', 'auth'], {
      url: text('Its address, without path', { pattern: '^https?://[A-Za-z0-9.:\\[\\]-]+/?$' }),
      namespace: text('Namespace, where it has such', {
        maxLength: 200,
        pattern: `${PATH.slice(0, -1)}/?$`,
      }),
      allowPrivate: flag('It stands in a private network', false),
      auth: closed('How we prove ourselves there', ['method'], {
        method: { enum: ['token', 'approle', 'kubernetes'], description: 'Which way' },
        mount: text('Where that method is mounted; its name unless said', {
          maxLength: 200,
          pattern: PATH,
        }),
        secret,
        roleId: text('Role id, for `approle`', { maxLength: 200, pattern: '^[\\x21-\\x7e]+$' }),
        role: text('Role, for `kubernetes`', { maxLength: 200, pattern: '^[A-Za-z0-9_.-]+$' }),
        tokenFile: text('File with the token of the pod, for `kubernetes`', { pattern: '^/' }),
      }),
    }),
  };
}

/** `vaults` of the file. */
export const VAULTS = table(
  'Vault or OpenBao servers that make or keep credentials',
  NAME,
  20,
  ref('vault'),
);
