import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { OpenapiFault, type References } from './references.ts';

/** The connection that a document proposes. */
export interface ProposedConnection {
  readonly settings: JsonObject;
  readonly notes: readonly string[];
}

/** Where its paths begin, its variables at their defaults. Throws OpenapiFault. */
export function serverOf(document: JsonObject, base: string | null): string {
  const [first] = Array.isArray(document.servers) ? (document.servers as Json[]) : [];
  const { url, variables } = isJsonObject(first) ? first : {};
  const written = typeof url === 'string' ? filled(url, variables) : '/';
  if (base === null && !/^https?:\/\//i.test(written))
    throw new OpenapiFault('it names no server with a whole URL');
  let whole: URL;
  try {
    whole = base === null ? new URL(written) : new URL(written, base);
  } catch {
    throw new OpenapiFault(`its server \`${written.slice(0, 100)}\` is no URL`);
  }
  if (whole.protocol !== 'https:' && whole.protocol !== 'http:')
    throw new OpenapiFault(`its server is \`${whole.protocol}\`, expected \`https:\``);
  if (whole.username !== '' || whole.password !== '' || whole.search !== '' || whole.hash !== '')
    throw new OpenapiFault('its server has a user, a query or a fragment');
  return whole.origin + whole.pathname.replace(/\/$/, '');
}

function filled(url: string, variables: Json | undefined): string {
  return url.slice(0, 2_000).replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const one = isJsonObject(variables) && Object.hasOwn(variables, name) ? variables[name] : null;
    return isJsonObject(one) ? String(one.default ?? '') : '';
  });
}

/** How its secret is sent, by the first security scheme that a header can carry. */
export function credentialOf(
  document: JsonObject,
  references: References,
  secret: string,
): ProposedConnection {
  const components = isJsonObject(document.components) ? document.components : {};
  const schemes = isJsonObject(components.securitySchemes)
    ? Object.values(components.securitySchemes)
    : [];
  const notes: string[] = [];
  for (const given of schemes) {
    const { type, in: where, name, scheme } = references.at(given);
    if (
      type === 'apiKey' &&
      where === 'header' &&
      typeof name === 'string' &&
      /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(name)
    )
      return {
        settings: {
          secret,
          ...(/^authorization$/i.test(name) ? { prefix: '' } : { header: name }),
        },
        notes,
      };
    if (type === 'http' && String(scheme).toLowerCase() === 'bearer')
      return { settings: { secret }, notes };
    if (type === 'http' && String(scheme).toLowerCase() === 'basic')
      return {
        settings: { secret, prefix: 'Basic ' },
        notes: [...notes, `the secret \`${secret}\` is \`user:password\` in base64`],
      };
    if (type === 'oauth2' || type === 'openIdConnect')
      return {
        settings: { secret },
        notes: [
          ...notes,
          `its tokens come by \`${type}\`: store a token as \`${secret}\`, or let Signalbox fetch them`,
        ],
      };
    notes.push(`a key in the ${String(where)} cannot be sent: a secret goes into a header`);
  }
  return { settings: {}, notes };
}
