import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a line between store and server may do to what is said on it. */
export type Mood =
  | 'honest'
  /** Nothing passes either way, and nobody is told. */
  | 'silent'
  /** The next COMMIT reaches the server; its answer does not come back, and the line is cut. */
  | 'loses-the-answer'
  /** The next COMMIT does not reach the server, and the line is cut. */
  | 'loses-the-commit';

/** As it is said and as it is answered; a level of isolation is another word. */
const COMMIT = Buffer.from('COMMIT\0');

/** A line to a server on this machine that can be made to fail. */
export class Wire {
  readonly port: number;
  mood: Mood = 'honest';
  /** Lines that were cut in the midst of a commit. */
  cut = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (near) => this.#join(near, connect(target, '127.0.0.1')));
  }

  static open(target: number): Promise<Wire> {
    return new Promise((resolve) => {
      const server = createServer();
      server.listen(0, '127.0.0.1', () => resolve(new Wire(server, target)));
    });
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #join(near: Socket, far: Socket): void {
    let isLosing = false;
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
    }
    const end = (): void => {
      near.destroy();
      far.destroy();
      this.#sockets.delete(near);
      this.#sockets.delete(far);
    };
    near.on('data', (bytes) => {
      const isCommit = bytes.includes(COMMIT);
      if (isCommit && this.mood === 'loses-the-commit') {
        this.mood = 'honest';
        this.cut++;
        end();
      } else if (this.mood !== 'silent') {
        if (isCommit && this.mood === 'loses-the-answer') {
          this.mood = 'honest';
          isLosing = true;
        }
        far.write(bytes);
      }
    });
    far.on('data', (bytes) => {
      if (isLosing) {
        if (!bytes.includes(COMMIT)) return;
        this.cut++;
        end();
      } else if (this.mood !== 'silent') near.write(bytes);
    });
    near.on('close', () => {
      if (this.mood !== 'silent') end();
    });
    far.on('close', () => {
      if (this.mood !== 'silent') end();
    });
  }
}
