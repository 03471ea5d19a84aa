/** `node test/conformance/everything/main.ts modern|legacy`: prints where it listens and lives until it is stopped. */
import { startEverything } from './listen.ts';

const era = process.argv[2] === 'legacy' ? 'legacy' : 'modern';
const { url } = await startEverything(era);
process.stdout.write(`${url}\n`);
