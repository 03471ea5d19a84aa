import type { Route } from '../http/listener.ts';
import { changeRoutes } from './api-change.ts';
import { readRoutes } from './api-read.ts';
import { connectionRoutes } from './connections.ts';
import type { AdminDeps } from './deps.ts';
import { drillRoutes } from './drills.ts';
import { entranceRoutes } from './entrance.ts';
import { lintRoutes } from './lint.ts';
import { lookRoutes } from './look.ts';
import { observeRoutes } from './observe.ts';
import { pageRoutes } from './page/routes.ts';
import { policyRoutes } from './policies.ts';
import { proveRoutes } from './prove.ts';
import { shadowRoutes } from './shadow.ts';
import { verifyRoutes } from './verify.ts';

/** Everything on the operators' listener except its health. */
export function adminRoutes(deps: AdminDeps): Route[] {
  return [
    ...readRoutes(deps),
    ...changeRoutes(deps),
    ...connectionRoutes(deps),
    ...drillRoutes(deps),
    ...verifyRoutes(deps),
    ...lintRoutes(deps),
    ...policyRoutes(deps),
    ...proveRoutes(deps),
    ...shadowRoutes(deps),
    ...lookRoutes(deps),
    ...observeRoutes(deps),
    ...entranceRoutes(deps),
    ...pageRoutes(deps),
  ];
}
