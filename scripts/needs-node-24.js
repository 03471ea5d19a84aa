// Preloaded by the npm scripts. Old syntax: it must parse on the Node it is about to refuse.
const major = Number(process.versions.node.split('.')[0]);

if (!(major >= 24)) {
  console.error(`this repository runs on Node 24; the node found here is ${process.version}`);
  console.error('`npm ci` brings Node 24.21.0 along on Linux (x64, arm64) and Windows (x64);');
  console.error(
    'it is missing when optional dependencies were left out: `npm ci --include=optional`',
  );
  console.error('help: on any other platform install Node 24 from https://nodejs.org/ first');
  process.exit(1);
}
