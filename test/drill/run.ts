import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeConnections } from '../crash/wire.ts';
import { dismiss, hire } from './cast.ts';
import { deploy } from './deployment.ts';
import { deskOf } from './desk.ts';
import { oneDrill } from './one-drill.ts';

const folder = await mkdtemp(join(tmpdir(), 'signalbox-drill-'));
const crew = hire();
const d = await deploy({ folder, sources: join(import.meta.dirname, '../..'), replicas: 1 });
try {
  for (let n = 0; n < 3; n++)
    console.log(JSON.stringify(await oneDrill(d, crew, deskOf(d.operator.key), n), null, 1));
} catch (e) {
  console.error(e);
  console.error(d.replicas.map((r) => r.said));
} finally {
  dismiss(crew);
  await d.stop();
  await closeConnections();
  await rm(folder, { recursive: true, force: true });
}
