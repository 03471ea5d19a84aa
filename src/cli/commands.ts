import { adopt } from './adopt/adopt.ts';
import { eject } from './adopt/eject.ts';
import { agentEnrol } from './agent/enrol.ts';
import { approvals, approve, refuse } from './approvals.ts';
import { artefactCheck } from './artefact/check.ts';
import { artefactPin } from './artefact/pin.ts';
import type { Command, Option } from './command.ts';
import { connectionAuthorize } from './connection/authorize.ts';
import { connectionForget } from './connection/forget.ts';
import { connectionList } from './connection/list.ts';
import { doctor } from './doctor.ts';
import { drill } from './drill/drill.ts';
import { drillList } from './drill/list.ts';
import { drillShow } from './drill/show.ts';
import { drillVerify } from './drill/verify.ts';
import { halt, resume } from './halt.ts';
import { haltList } from './halt-list.ts';
import { init } from './init.ts';
import { ledgerCheckpoint, ledgerKey } from './ledger/checkpoint.ts';
import { ledgerErase } from './ledger/erase.ts';
import { ledgerProve } from './ledger/prove.ts';
import { ledgerVerify } from './ledger/verify.ts';
import { lint } from './lint.ts';
import { login, logout } from './login.ts';
import { mcpStdio } from './mcp-stdio/mcp-stdio.ts';
import { observeReport } from './observe/report.ts';
import { operatorInvite } from './operator/invite.ts';
import { apply, plan } from './plan.ts';
import { policyCheck } from './policy/check.ts';
import { policyExplain } from './policy/explain.ts';
import { policyFmt } from './policy/fmt.ts';
import { policyProve } from './policy/prove.ts';
import { policyReplay } from './policy/replay.ts';
import { policyShadow } from './policy/shadow.ts';
import { policyTest } from './policy/test.ts';
import { runEnd } from './run/end.ts';
import { runList } from './run/list.ts';
import { run } from './run/run.ts';
import { runSay } from './run/say.ts';
import { runShow } from './run/show.ts';
import { secretList } from './secret/list.ts';
import { secretRekey } from './secret/rekey.ts';
import { secretRotate } from './secret/rotate.ts';
import { secretSet } from './secret/set.ts';
import { storeBackup } from './store/backup.ts';
import { storeMigrate } from './store/migrate.ts';
import { storeMove } from './store/move.ts';
import { storeRestore } from './store/restore.ts';
import { toolAccept } from './tool/accept.ts';
import { toolDiff } from './tool/diff.ts';
import { toolImport } from './tool/import.ts';
import { undo } from './undo.ts';
import { up } from './up.ts';
import { verify } from './verify.ts';
import { version } from './version.ts';
import { why } from './why.ts';

/** Every command, in the order in which a user meets them. docs/reference/cli.md lists the same; a test holds them equal. */
export const COMMANDS: readonly Command[] = [
  up,
  init,
  login,
  logout,
  plan,
  apply,
  adopt,
  eject,
  toolImport,
  toolDiff,
  toolAccept,
  lint,
  policyCheck,
  policyTest,
  policyFmt,
  policyExplain,
  policyProve,
  policyReplay,
  policyShadow,
  observeReport,
  artefactPin,
  artefactCheck,
  agentEnrol,
  operatorInvite,
  secretSet,
  secretRotate,
  secretRekey,
  secretList,
  connectionAuthorize,
  connectionList,
  connectionForget,
  verify,
  run,
  runList,
  runShow,
  runEnd,
  runSay,
  mcpStdio,
  why,
  undo,
  approvals,
  approve,
  refuse,
  halt,
  haltList,
  resume,
  drill,
  drillList,
  drillShow,
  drillVerify,
  ledgerVerify,
  ledgerKey,
  ledgerCheckpoint,
  ledgerProve,
  ledgerErase,
  storeMigrate,
  storeBackup,
  storeRestore,
  storeMove,
  doctor,
  version,
];

/** Options that every command takes. */
export const GLOBAL_OPTIONS: { readonly [name: string]: Option } = {
  json: { type: 'boolean', summary: 'print exactly one JSON object on stdout' },
  url: {
    type: 'string',
    value: 'URL',
    summary: 'the operators address (else SIGNALBOX_URL, else where you logged in)',
  },
  debug: { type: 'boolean', summary: 'say more about unexpected faults, on stderr' },
  help: { type: 'boolean', short: 'h', summary: 'show this' },
};
