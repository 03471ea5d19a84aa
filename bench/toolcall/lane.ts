/** One kept-alive connection that asks one thing at a time, over a bare socket: the generator must not be the limit. */
import { connect, type Socket } from 'node:net';

const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;

export class Lane {
  readonly #socket: Socket;
  #got = '';
  #answered: ((answer: string) => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('the connection was closed')));
  }

  static open(host: string, port: number): Promise<Lane> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host, () => resolve(new Lane(socket)));
      socket.once('error', reject);
    });
  }

  /** The whole answer, head and body. */
  ask(request: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#failed = null;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#got += chunk.toString('latin1');
    const end = this.#got.indexOf('\r\n\r\n');
    if (end === -1 || !isWhole(this.#got, end)) return;
    const answer = this.#got;
    this.#got = '';
    this.#failed = null;
    this.#answered?.(answer);
  }
}

function isWhole(got: string, end: number): boolean {
  const head = got.slice(0, end);
  const length = LENGTH.exec(head)?.[1];
  if (length !== undefined) return got.length >= end + 4 + Number(length);
  return CHUNKED.test(head) ? got.endsWith('\r\n0\r\n\r\n') : true;
}
