import { type Claim, prove } from '../../broker/prove.ts';
import type { Bundle } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { RUNGS, type Rung } from '../../domain/mode.ts';
import { own } from '../../domain/own.ts';
import { INVARIANTS } from '../../policy/prove/invariants.ts';
import { EngineFailure } from '../../policy/reference.ts';
import { tooMuch } from '../../policy/text-guard.ts';
import type { Route } from '../http/listener.ts';
import { CONFIG_BODY, read } from './body.ts';
import type { AdminDeps } from './deps.ts';
import { changer } from './guard.ts';
import { candidate } from './policies.ts';

/** Of all claims together; the command waits a little longer. */
const PATIENCE_MS = 60_000;

const QUESTION = {
  text: { most: 1_048_576, optional: true },
  path: { most: 1_000, optional: true },
  policies: { most: 1_048_576, optional: true },
  invariant: { most: 100, optional: true },
  agent: { most: 200, optional: true },
  tool: { most: 200, optional: true },
  above: { most: 20, optional: true },
  when: { most: 10_000, optional: true },
} as const;

/**
 * Whether something can be, over all agents, tools and arguments. The solver is a process of its own, and there is one
 * proof at a time: another is told `OVERLOADED`.
 */
export function proveRoutes(deps: AdminDeps): Route[] {
  let isProving = false;
  return [
    {
      method: 'POST',
      path: '/api/policies/prove',
      async handle(exchange) {
        await changer(deps, exchange);
        const body = read(await exchange.json(CONFIG_BODY), QUESTION);
        const bundle = await candidate(deps, body);
        const claims = claimsOf(body, bundle);
        if (isProving)
          throw new SignalboxError('OVERLOADED', 'another proof is under way', {
            help: 'try again when it is done: it takes a minute at most',
          });
        isProving = true;
        const solver = deps.solver();
        const { doors, inputs } = deps.broker;
        const parts = { doors, inputs, solver, patienceMs: PATIENCE_MS };
        try {
          const proofs = await prove(parts, bundle, claims);
          exchange.reply(200, { bundle: bundle.digest, proofs: proofs as never });
        } catch (error) {
          if (!(error instanceof EngineFailure)) throw error;
          throw new SignalboxError('REQUEST_MALFORMED', `\`when\`: ${error.message}`);
        } finally {
          isProving = false;
          solver.close();
        }
      },
    },
  ];
}

interface Asked {
  readonly invariant: string;
  readonly agent: string;
  readonly tool: string;
  readonly above: string;
  readonly when: string;
}

function claimsOf(asked: Asked, bundle: Bundle): readonly Claim[] {
  const { invariant, agent, tool, above, when } = asked;
  const who = { agent: agent === '' ? null : agent, tool: tool === '' ? null : tool };
  if (who.agent !== null && own(bundle.agents, who.agent) === null)
    throw new SignalboxError('REQUEST_MALFORMED', `there is no agent \`${agent}\``);
  if (who.tool !== null && own(bundle.tools, who.tool) === null)
    throw new SignalboxError('REQUEST_MALFORMED', `there is no tool \`${tool}\``);
  if (above !== '' || when !== '') return [reach(asked, who)];
  const named = INVARIANTS.filter(({ name }) => invariant === '' || name === invariant);
  if (named.length === 0)
    throw new SignalboxError('REQUEST_MALFORMED', `there is no invariant \`${invariant}\``, {
      help: `there are: ${INVARIANTS.map(({ name }) => name).join(', ')}`,
    });
  return named.map((one) => ({ ...one, ...who }));
}

function reach(
  { above, when }: Asked,
  { agent, tool }: { readonly agent: string | null; readonly tool: string | null },
): Claim {
  const rung = above === '' ? 'approve' : above;
  if (!isRung(rung) || rung === 'auto')
    throw new SignalboxError(
      'REQUEST_MALFORMED',
      `expected \`above\` to be one of ${RUNGS.filter((one) => one !== 'auto').join(', ')}`,
    );
  const fault = tooMuch(when);
  if (fault !== null) throw new SignalboxError('REQUEST_MALFORMED', `\`when\`: ${fault.message}`);
  const [who, what] = [agent ?? 'any agent', tool ?? 'any tool'];
  const besides = when === '' ? '' : ` when \`${when}\``;
  return {
    ...{ name: 'reach', above: rung, agent, tool, when: when === '' ? null : when },
    question: `can ${who} reach ${what} above \`${rung}\`${besides}?`,
  };
}

function isRung(text: string): text is Rung {
  return (RUNGS as readonly string[]).includes(text);
}
