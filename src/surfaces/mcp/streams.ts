import type { Doors, Timer } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Exchange } from '../http/listener.ts';
import { EventStream } from './event-stream.ts';

const KEEP_ALIVE_MS = 15_000;
/** How long a client may be away from a stream that can be resumed; looked at with every sign of life. */
const AWAY_MS = 30_000;
const MAX_STREAMS = 2_048;
const MAX_OF_OWNER = 64;

/** Every stream that is open here: signs of life for all of them by one timer, and the way back to one by its event ids. */
export class Streams {
  readonly #doors: Doors;
  readonly #open = new Map<EventStream, string>();
  readonly #byId = new Map<string, EventStream>();
  readonly #beat: Timer;

  constructor(doors: Doors) {
    this.#doors = doors;
    this.#beat = doors.timers.every(KEEP_ALIVE_MS, () => this.beat());
  }

  /**
   * A new stream of this owner (a session, or a token). `gone` tells when its client has left for good.
   * Throws OVERLOADED.
   */
  open(owner: string, resumable: boolean, gone: (stream: EventStream) => void): EventStream {
    let ofOwner = 0;
    for (const other of this.#open.values()) if (other === owner) ofOwner++;
    if (this.#open.size >= MAX_STREAMS || ofOwner >= MAX_OF_OWNER)
      throw new SignalboxError('OVERLOADED', 'too many event streams are open', {
        help: 'close one of them',
      });
    const id = resumable ? Buffer.from(this.#doors.entropy.bytes(12)).toString('base64url') : null;
    const stream = new EventStream(id, this.#doors.clock.monotonic, (left) => {
      this.#forget(left);
      gone(left);
    });
    this.#open.set(stream, owner);
    if (id !== null) this.#byId.set(id, stream);
    return stream;
  }

  /** The client of this event id is back; false when its stream is not here, or not this owner's. */
  resume(owner: string, lastEventId: string, exchange: Exchange): boolean {
    const dot = lastEventId.lastIndexOf('.');
    const stream = this.#byId.get(lastEventId.slice(0, dot));
    const after = Number(lastEventId.slice(dot + 1));
    if (stream === undefined || this.#open.get(stream) !== owner) return false;
    if (!Number.isSafeInteger(after) || after < 0) return false;
    stream.attach(exchange, after);
    if (stream.state === 'ended') this.#forget(stream);
    return true;
  }

  /** A sign of life on every stream; what has been away too long is dropped. */
  beat(): void {
    const now = this.#doors.clock.monotonic();
    for (const stream of [...this.#open.keys()])
      if (stream.state === 'open') stream.comment();
      else if (stream.state === 'ended') this.#forget(stream);
      else if (now - stream.awaySince >= AWAY_MS) stream.drop();
  }

  /** Its last message was written. A client that is away may still come for it. */
  ended(stream: EventStream): void {
    stream.end();
    if (stream.state === 'ended') this.#forget(stream);
  }

  dropOwner(owner: string): void {
    for (const [stream, other] of [...this.#open]) if (other === owner) stream.drop();
  }

  close(): void {
    this.#beat.cancel();
    for (const stream of [...this.#open.keys()]) stream.drop();
  }

  #forget(stream: EventStream): void {
    this.#open.delete(stream);
    if (stream.id !== null) this.#byId.delete(stream.id);
  }
}
