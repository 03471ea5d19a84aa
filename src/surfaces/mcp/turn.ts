import type { Caller } from '../../domain/caller.ts';
import type { Envelope } from '../../protocols/mcp/envelope.ts';
import type { Id, Request } from '../../protocols/mcp/message.ts';
import type { Exchange } from '../http/listener.ts';
import type { Reply } from './reply.ts';
import type { Session } from './sessions.ts';

/** One request on its way through: who sent it, over which exchange, where its answer goes. */
export interface Turn {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly session: Session | null;
  readonly id: Id;
  readonly request: Request;
  readonly envelope: Envelope;
  readonly reply: Reply;
}

/** Tells the two eras' clients apart where they share a token. */
export function placeOf({ caller, session }: Pick<Turn, 'caller' | 'session'>): string {
  return session === null ? caller.tokenHash : session.id;
}
