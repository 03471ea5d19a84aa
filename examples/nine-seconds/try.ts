/** What is printed when the story is over and the control plane stays. */
import { fileURLToPath } from 'node:url';
import type { Running } from './setup.ts';

export function whatToTry({ operator, operatorsUrl, home }: Running): readonly string[] {
  const agent = fileURLToPath(new URL('./agent.ts', import.meta.url));
  const clone = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  return [
    '',
    'Signalbox, acme and its volume service stay up until you press Ctrl-C.',
    `  page      ${operatorsUrl}`,
    `  sign in   ${operator.key}`,
    '',
    'In another terminal:',
    `  cd ${clone} && export SIGNALBOX_HOME=${home}`,
    '  npm run -s signalbox -- run list',
    '  npm run -s signalbox -- resume agent support --reason "the story is over"',
    '  npm run -s signalbox -- run --agent support --intent "look around" -- \\',
    `    sh -c 'echo "{\\"task\\":\\"customer\\"}" | node ${agent}'`,
    '  npm run -s signalbox -- ledger verify',
  ];
}
