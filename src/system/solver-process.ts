/**
 * The process that Z3 runs in: its WebAssembly keeps threads alive and memory that is never given back, so it is started
 * for one proof and killed after it.
 */
import { init } from 'z3-solver';

const MEMORY_MB = 512;

const { Z3 } = await init();
Z3.global_param_set('memory_max_size', String(MEMORY_MB));
const say = (message: unknown): void => void process.send?.(message);

process.on('message', (script: string) => void answer(script));
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
say({ text: '' });

/** A context of its own for each script: what one left behind is not in the next. */
async function answer(script: string): Promise<void> {
  const config = Z3.mk_config();
  const context = Z3.mk_context(config);
  Z3.del_config(config);
  try {
    say({ text: await Z3.eval_smtlib2_string(context, script) });
  } catch (error) {
    say({ text: `(error "${error instanceof Error ? error.message : 'stopped'}")` });
  }
  Z3.del_context(context);
}
