// Preloaded by `npm test`, whose files start some hundred processes: what Node has stripped of types and compiled
// once is kept for the next of them, and for the workers and programs they start.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
enableCompileCache(folder);
process.env.NODE_COMPILE_CACHE = folder;
