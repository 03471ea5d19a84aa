import { type Call, ConnectorFailure } from '../../src/domain/connector.ts';
import type { ToolResult } from '../../src/domain/proposal.ts';
import type { TargetCall, Witness } from './witness.ts';
import type { World } from './world.ts';

/** A call that is being sent: by whom, and to which kind of system. */
export interface Landing {
  readonly world: World;
  readonly witness: Witness;
  readonly incarnation: number;
  readonly call: Call;
  readonly kind: 'sim-db' | 'sim-api';
}

type Fate = 'lands' | 'refused' | 'lost before' | 'lost after' | 'hangs';

/**
 * Sends an effect. What happens at the target goes on whoever dies; the answer reaches only the incarnation that asked.
 * Every failure is honest: `none` only where the target surely did nothing, else `unknown`.
 */
export function send(landing: Landing, sent: TargetCall): Promise<ToolResult> {
  const { world, witness, call } = landing;
  const { random, schedule } = world;
  // its session was ended with its credential before anything was sent
  if (sent.state === 'gone') return Promise.reject(failed('CONNECTOR_UNREACHABLE', 'none'));
  const { ms } = world.faults.target;
  const fate = fateOf(world);
  const hang = random.int(0, 2 * call.tool.timeoutMs);
  const arrival = fate === 'hangs' ? hang : random.latency(ms);
  const back = fate === 'hangs' ? call.tool.timeoutMs : arrival + random.latency(ms);
  witness.send(sent);
  schedule.after(arrival, 'world', `${fate} at the target`, () => {
    const isMade =
      fate === 'lands' || fate === 'lost after' || (fate === 'hangs' && hang % 2 === 0);
    if (isMade) witness.land(sent);
    else witness.drop(sent);
  });
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (finish: () => void): void => {
      if (isOver) return;
      isOver = true;
      call.signal.removeEventListener('abort', abort);
      finish();
    };
    const lost = (code: string): void => {
      world.count('lostTargetAnswers');
      witness.obscure(call.actionId);
      reject(random.chance(0.3) ? new Error('socket hang up') : failed(code, 'unknown'));
    };
    const abort = (): void => {
      const course = random.pick(['wait', 'leave', 'cancel'] as const);
      if (course === 'leave') end(() => lost('CONNECTOR_ABORTED'));
      if (course !== 'cancel' || landing.kind === 'sim-api' || sent.state === 'landed') return;
      witness.drop(sent);
      end(() => reject(failed('CONNECTOR_ABORTED', 'none')));
    };
    call.signal.addEventListener('abort', abort, { once: true });
    schedule.after(back, landing.incarnation, 'the answer of the target', () =>
      end(() => {
        if (fate === 'refused') reject(failed('CONNECTOR_REFUSED', 'none'));
        else if (fate === 'lands' && sent.state === 'landed') resolve(resultOf(call));
        else lost(fate === 'hangs' ? 'CONNECTOR_TIMEOUT' : 'CONNECTOR_UNREACHABLE');
      }),
    );
  });
}

function fateOf({ random, faults: { target } }: World): Fate {
  if (random.chance(target.refuses)) return 'refused';
  if (random.chance(target.lostBefore)) return 'lost before';
  if (random.chance(target.lostAfter)) return 'lost after';
  return random.chance(target.hangs) ? 'hangs' : 'lands';
}

function resultOf(call: Call): ToolResult {
  return { text: JSON.stringify({ action: call.actionId }), cut: [] };
}

function failed(code: string, effect: 'none' | 'unknown'): ConnectorFailure {
  return new ConnectorFailure(code, `simulated: ${code}, ${effect}`, effect);
}
