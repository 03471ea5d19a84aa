import { SignalboxError } from '../../domain/errors.ts';
import type { Exchange } from './exchange.ts';

export interface Route {
  readonly method: string;
  /** `/v1/runs/{id}`: a part in braces takes one segment, decoded, never empty. */
  readonly path: string;
  handle(exchange: Exchange): Promise<void>;
}

type Params = Readonly<Record<string, string>>;
type Found = { readonly route: Route; readonly params: Params } | { readonly allow: string };

interface Pattern {
  readonly segments: readonly string[];
  readonly methods: Map<string, Route>;
}

const NO_PARAMS: Params = Object.freeze({});

/** Finds the route of a path: plain paths by one lookup, those with parameters by their segments. */
export class Router {
  readonly #plain = new Map<string, Map<string, Route>>();
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const methods = this.#methodsOf(route.path);
      if (methods.has(route.method))
        throw new RangeError(`two routes for \`${route.method} ${route.path}\``);
      methods.set(route.method, route);
    }
  }

  /** Throws NOT_FOUND; answers `allow` when the path exists for other methods only. */
  find(method: string, path: string): Found {
    const plain = this.#plain.get(path);
    if (plain !== undefined) return chosen(plain, method, NO_PARAMS);
    const segments = path.split('/');
    for (const pattern of this.#patterns) {
      const params = matched(pattern.segments, segments);
      if (params !== null) return chosen(pattern.methods, method, params);
    }
    throw new SignalboxError('NOT_FOUND', 'there is nothing at this path');
  }

  #methodsOf(path: string): Map<string, Route> {
    if (!path.includes('{')) {
      const methods = this.#plain.get(path) ?? new Map<string, Route>();
      this.#plain.set(path, methods);
      return methods;
    }
    const known = this.#patterns.find(({ segments }) => segments.join('/') === path);
    if (known !== undefined) return known.methods;
    const pattern: Pattern = { segments: path.split('/'), methods: new Map() };
    this.#patterns.push(pattern);
    return pattern.methods;
  }
}

function chosen(methods: Map<string, Route>, method: string, params: Params): Found {
  const route = methods.get(method) ?? (method === 'HEAD' ? methods.get('GET') : undefined);
  return route === undefined ? { allow: [...methods.keys()].join(', ') } : { route, params };
}

function matched(pattern: readonly string[], segments: readonly string[]): Params | null {
  if (pattern.length !== segments.length) return null;
  const params: [string, string][] = [];
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith('{') && part.endsWith('}')) {
      const value = decoded(segment);
      if (value === '') return null;
      params.push([part.slice(1, -1), value]);
    } else if (part !== segment) return null;
  }
  return Object.fromEntries(params);
}

function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new SignalboxError('REQUEST_MALFORMED', 'the path has a broken percent escape');
  }
}
