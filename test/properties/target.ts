import type { Call, Connector, Flight, ProbeAnswer, Sink } from '../../src/domain/connector.ts';
import { ConnectorFailure } from '../../src/domain/connector.ts';
import type { CredentialIssuer } from '../../src/domain/credential.ts';
import { digestOf } from '../../src/domain/digest.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Measured, ToolResult } from '../../src/domain/proposal.ts';

/** An effect as the target saw it, by its own count. */
export interface Effect {
  readonly actionId: string;
  readonly runId: string;
  readonly tool: string;
  readonly credential: string;
}

/**
 * A target that counts. Rows are numbers that `move` changes; a call may be held at a gate before it begins or before
 * it finishes, so that a test can let a halt fall in between.
 */
export class Target implements Connector {
  readonly kind = 'target';
  readonly effects: Effect[] = [];
  readonly begun: string[] = [];
  /** Awaited before `begin` and before an effect is made; the default lets everything pass. */
  gate: (stage: 'begin' | 'finish', call: Call) => Promise<void> = async () => {};
  /** Looks at the effect just before it is made; what it throws is the test's failure. */
  witness: (call: Call) => Promise<void> = async () => {};
  rowsWritten = 1;
  #version = 0;

  /** Somebody else changes the rows. */
  move(): void {
    this.#version++;
  }

  async begin(call: Call, _sink: Sink): Promise<Flight> {
    await this.gate('begin', call);
    refuseAborted(call, 'none');
    this.begun.push(call.actionId);
    const measured = this.#measure(call);
    return {
      measured,
      trace: { call: call.actionId },
      finish: async (): Promise<ToolResult> => {
        await this.gate('finish', call);
        refuseAborted(call, 'none');
        await this.witness(call);
        const { credential } = call;
        this.effects.push({
          actionId: call.actionId,
          runId: call.runId,
          tool: call.tool.name,
          credential: credential?.kind === 'secret' ? credential.value : 'none',
        });
        return { text: JSON.stringify({ ok: true }), structured: { ok: true }, cut: [] };
      },
      cancel: async () => {},
    };
  }

  async probe(_intent: Parameters<Connector['probe']>[0]): Promise<ProbeAnswer> {
    return 'unknown';
  }
  async release(): Promise<void> {}
  async close(): Promise<void> {}

  #measure(call: Call): Measured {
    const read = call.tool.effect === 'read';
    return {
      effect: effectVector(read ? { rowsRead: 1 } : { rowsWritten: this.rowsWritten }),
      byTable: [],
      images: [],
      imagesComplete: true,
      preState: digestOf('rows', { version: this.#version, arguments: call.arguments }),
    };
  }
}

function refuseAborted(call: Call, effect: 'none' | 'unknown'): void {
  if (call.signal.aborted)
    throw new ConnectorFailure('CONNECTOR_ABORTED', 'the call was aborted', effect);
}

/** Credentials that can be tried at their source. */
export class Issuer implements CredentialIssuer {
  readonly kind = 'target-issuer';
  readonly revocability = 'instant';
  readonly lifetimeMs = 600_000;
  readonly valid = new Map<string, string>();

  handleFor(leaseId: string): string {
    return `role_${leaseId}`;
  }
  async mint({
    lease,
  }: Parameters<CredentialIssuer['mint']>[0]): ReturnType<CredentialIssuer['mint']> {
    const value = `canary-${lease.id}-${Math.random()}`;
    this.valid.set(lease.handle, value);
    return { kind: 'secret', leaseId: lease.id, value };
  }
  async revoke(lease: Parameters<CredentialIssuer['revoke']>[0]): Promise<void> {
    this.valid.delete(lease.handle);
  }
  async verifyDead(lease: Parameters<CredentialIssuer['verifyDead']>[0]): Promise<boolean> {
    return !this.valid.has(lease.handle);
  }
}
