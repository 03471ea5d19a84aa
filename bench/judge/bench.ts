/**
 * `npm run bench -- judge [--json] [--short]`
 *
 * What deciding costs, in this process and without a store: policies and judge together, under 100 policies and with
 * 1 KB of arguments (`judge`); the judge without policies (`baseline`); a plain read under the default pack
 * (`defaultPack`); the reference engine for the same question (`reference`). Then how many recorded decisions of a real
 * ledger are replayed under two bundles in a minute, reading and decrypting included (`replay`).
 */
import { optionsOf } from '../../scripts/options.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { judge } from '../../src/judge/judge.ts';
import { PACK } from '../../src/policy/pack.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { bundleOf, factsOf, RUN } from '../../src/policy/testing/stage.ts';
import { byReference, contextOf } from '../../src/policy/tool-policies.ts';
import { lineageTimes } from './lineage.ts';
import { ARGUMENTS, COUNT, hundred, LOOK, TOOL } from './policies.ts';
import { replayRate } from './replay.ts';
import { times } from './times.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
});
const rounds = values.short ? 20_000 : 100_000;
const room = new PolicyRoom((alarm) => {
  throw new Error(`${alarm.kind}: ${alarm.why}`);
});

function decide(facts: Facts): void {
  judge({ ...facts, policy: room.rulingFor(facts) });
}

const bundle = hundred();
const asked = factsOf(bundle, TOOL.name, { arguments: ARGUMENTS });
const bare = factsOf(bundleOf(undefined, { tools: [TOOL, LOOK] }), TOOL.name, {
  arguments: ARGUMENTS,
});
const plain = factsOf(bundleOf({ set: PACK }, { tools: [TOOL, LOOK] }), LOOK.name);
const plainBare = factsOf(bundleOf(undefined, { tools: [TOOL, LOOK] }), LOOK.name);
const ruling = room.rulingFor(asked);
if (ruling?.code !== 'OK') throw new Error(`expected that it passes, got: ${ruling?.reason}`);

const policies = room.of(bundle);
const of = policies.toolPolicies(TOOL);
const context = contextOf(of, { ...asked, run: RUN, tool: TOOL });
if (context === null || of.compiled === null) throw new Error('expected compiled policies');
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
tell(`${COUNT} policies, ${JSON.stringify(ARGUMENTS).length} bytes of arguments`);
const summary = {
  judge: times(() => decide(asked), rounds),
  lineage: lineageTimes(values.short ? 200 : 1_000),
  replay: await replayRate(values.short ? 5_000 : 20_000, tell),
  baseline: times(() => decide(bare), rounds),
  defaultPack: {
    ...times(() => decide(plain), rounds),
    withoutPolicies: times(() => decide(plainBare), rounds),
  },
  reference: times(() => byReference(of, 'ann', context, policies.reference), rounds / 500),
};
console.log(JSON.stringify(summary, null, values.json ? 0 : 2));
