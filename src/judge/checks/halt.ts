import { modelsOf } from '../../domain/bundle.ts';
import { haltOver, scopesOf } from '../../domain/halt.ts';
import { actorsOf } from '../../domain/run.ts';
import type { Check } from '../check.ts';

/** A halt in any scope this action stands in. */
export const halt: Check = (facts) => {
  if (facts.run === null || facts.halts.length === 0) return null;
  const scopes = scopesOf({
    run: facts.run,
    tool: facts.toolName,
    ...(facts.tool === null ? {} : { connection: facts.tool.connection }),
    models: modelsOf(facts.bundle, actorsOf(facts.run)),
  });
  const hit = haltOver(facts.halts, [...scopes, ...facts.haltedCredentials]);
  if (hit === undefined) return null;
  return {
    ceiling: 'deny',
    code: 'HALTED',
    reason: `\`${hit.scope}\` is halted since halt ${hit.epoch}`,
    fix: 'stop here; only an operator can lift a halt',
  };
};
