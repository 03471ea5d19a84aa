import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Derived, Inspector } from '../../domain/connector.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { namesOfPath } from '../../tools/path.ts';
import { firstVerb, wordsOf } from '../../tools/recovery-words.ts';
import { namesOf, namesOfJson } from '../../tools/template.ts';
import {
  chosenAction,
  chosenCollection,
  type Finding,
  graphql,
  lastSegment,
  methodOf,
  recoveryThing,
} from './recovery.ts';
import { isOutward, type RequestTemplate, requestTemplate, targetUrl } from './request.ts';

/** Classes HTTP tools from their requests alone. Every rule here raises; none lowers what another found. */
export function createHttpInspector(): Inspector {
  return {
    kind: 'http',
    async derive(draft, connection) {
      return derive(draft, connection);
    },
    async prepare() {},
  };
}

function derive(draft: Tool, connection: Connection): Derived {
  let request: RequestTemplate;
  try {
    request = requestTemplate(draft);
  } catch (error) {
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `the request cannot be read: ${(error as Error).message}`,
      {
        help: 'mend the template',
      },
    );
  }
  const findings = [
    byMethod(request.method),
    byMethod(methodOf(draft, request)),
    sentOutside(request, connection),
    removingVerb(draft, request),
    recoveryThing(draft, request),
    chosenCollection(draft, request, connection),
    chosenAction(draft, request),
    graphql(draft, connection),
  ].filter((finding) => finding !== null);
  const recoveryPath = findings.some((finding) => finding.recoveryPath === true);
  const rank: EffectClass[] = ['destroy', 'write', 'read'];
  const effect =
    rank.find((each) => findings.some((finding) => finding.effect === each)) ?? 'destroy';
  return {
    effect,
    recoveryPath,
    // the key is the action's id: it guards a retransmission, not a second call of the same arguments
    idempotent: effect === 'read',
    binding: draft.binding,
    derivation: [...new Set(findings.map(({ because }) => because))],
  };
}

function byMethod(method: string): Finding {
  if (method === 'GET' || method === 'HEAD')
    return { effect: 'read', because: `\`${method}\` reads` };
  if (method === 'DELETE') return { effect: 'destroy', because: '`DELETE` removes' };
  return { effect: 'write', because: `\`${method}\` changes` };
}

/** What an agent writes into a request to somebody else’s host has left the organisation. */
function sentOutside(request: RequestTemplate, connection: Connection): Finding | null {
  const target = targetUrl(connection);
  if (!isOutward(connection, target) || namesIn(request).length === 0) return null;
  return {
    effect: 'write',
    because: `it sends what the agent chose to \`${target.hostname}\`, outside the organisation`,
  };
}

function removingVerb(draft: Tool, request: RequestTemplate): Finding | null {
  if (isRead(request)) {
    // `GET …/delete?id=…` exists; the name of the tool alone would accuse `get_deleted_orders`
    const verb = firstVerb(wordsOf(lastSegment(draft)), 'removing');
    return verb === undefined
      ? null
      : { effect: 'destroy', because: `its path ends in \`${verb}\`` };
  }
  const verb = firstVerb([...wordsOf(lastSegment(draft)), ...wordsOf(draft.name)], 'removing');
  return verb === undefined ? null : { effect: 'destroy', because: `it is named \`${verb}\`` };
}

function isRead({ method }: RequestTemplate): boolean {
  return method === 'GET' || method === 'HEAD';
}

function namesIn({ path, query, body }: RequestTemplate): string[] {
  return [
    ...namesOfPath(path),
    ...query.flatMap(([, value]) => namesOf(value)),
    ...(body === null ? [] : namesOfJson(body)),
  ];
}
