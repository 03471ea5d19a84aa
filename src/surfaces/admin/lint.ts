import { isGodMode, lintTool } from '../../tools/lint.ts';
import type { Route } from '../http/listener.ts';
import type { AdminDeps } from './deps.ts';
import { visitor } from './guard.ts';

/** The tools in force that can do more than anybody could mean to grant, and who holds each. */
export function lintRoutes(deps: AdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/lint',
      async handle(exchange) {
        await visitor(deps, exchange);
        const { tools, grants } = await deps.broker.bundles.active();
        const findings = Object.values(tools).flatMap((tool) =>
          lintTool(tool).map((finding) => ({
            ...finding,
            godMode: isGodMode(finding),
            agents: grants.filter((grant) => grant.tool === tool.name).map(({ agent }) => agent),
          })),
        );
        exchange.reply(200, { tools: Object.keys(tools).length, findings });
      },
    },
  ];
}
