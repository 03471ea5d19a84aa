/** The child's side of a measured process: says where it listens, and answers its starter's questions over IPC. */
export type Question = { readonly ask: string; readonly [more: string]: unknown };
export type Answerer = (question: Question) => unknown | Promise<unknown>;

/** Says that this process is ready; from then on it lives until its starter goes away. `end` runs before it ends. */
export function ready(
  url: string,
  answer: Answerer = () => null,
  end: () => Promise<void> = async () => {},
): void {
  const say = (message: unknown): void => void process.send?.(message);
  process.on('message', async (question: Question) => {
    try {
      say({ answer: question.ask === 'cpu' ? cpu() : await answer(question) });
    } catch (error) {
      say({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => void end().finally(() => process.exit(0)));
  say({ url });
}

/** Microseconds of processor time of this process, all of its threads. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
