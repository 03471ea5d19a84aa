/**
 * Words by which APIs name what people recover with. They only ever raise: a request that removes something so named is
 * a destruction that nothing undoes, and in production no agent's to ask for. So words that mean other things as often
 * (`archive`, `image`, `replica`, `history` alone) are left to the manifest, which says `recoveryPath: true`.
 */
export const RECOVERY_THINGS: ReadonlySet<string> = new Set([
  ...[
    'backup',
    'backups',
    'bak',
    'basebackup',
    'basebackups',
    'bkp',
    'backupset',
    'backupvault',
    'backupvaults',
  ],
  ...[
    'snapshot',
    'snapshots',
    'diskimage',
    'diskimages',
    'machineimage',
    'machineimages',
    'databasedump',
    'dbdump',
  ],
  ...[
    'pitr',
    'recoverypoint',
    'recoverypoints',
    'restorepoint',
    'restorepoints',
    'savepoint',
    'savepoints',
  ],
  ...[
    'version',
    'versions',
    'revision',
    'revisions',
    'versionhistory',
    'revisionhistory',
    'changehistory',
  ],
  ...[
    'wal',
    'wals',
    'walarchive',
    'binlog',
    'binlogs',
    'oplog',
    'redolog',
    'redologs',
    'undolog',
    'undologs',
  ],
  ...['trash', 'recyclebin', 'beforeimage', 'beforeimages'],
]);

/** What keeps the above alive, or tells afterwards what happened: changing it is as good as removing. */
export const RECOVERY_RULES: ReadonlySet<string> = new Set([
  ...[
    'audit',
    'audits',
    'auditlog',
    'auditlogs',
    'auditevent',
    'auditevents',
    'audittrail',
    'auditing',
    'cloudtrail',
  ],
  ...[
    'retention',
    'retentions',
    'retentionpolicy',
    'retentiondays',
    'backuppolicy',
    'backupschedule',
    'backupplan',
  ],
  ...[
    'deletionprotection',
    'deleteprotection',
    'terminationprotection',
    'immutability',
    'legalhold',
    'legalholds',
  ],
  ...[
    'objectlock',
    'softdelete',
    'versioning',
    'lifecyclepolicy',
    'lifecyclerule',
    'lifecyclerules',
    'worm',
  ],
]);

/** Verbs by which requests that are no DELETE remove something. */
export const REMOVING_VERBS: ReadonlySet<string> = new Set([
  ...[
    'clean',
    'cleanup',
    'clear',
    'delete',
    'deletes',
    'destroy',
    'detach',
    'disable',
    'discard',
    'drop',
    'empty',
  ],
  ...[
    'erase',
    'evict',
    'expire',
    'expunge',
    'flush',
    'forget',
    'kill',
    'nuke',
    'overwrite',
    'prune',
    'purge',
  ],
  ...[
    'remove',
    'removes',
    'reset',
    'revoke',
    'rotate',
    'scrub',
    'shred',
    'terminate',
    'trim',
    'truncate',
    'unlink',
  ],
  ...['unset', 'vacuum', 'wipe', 'zap'],
]);

/** The words of a path, a name or a query: `/auditLogs/{id}:purge` is `audit`, `logs`, `auditlogs`, `purge`. */
export function wordsOf(text: string): string[] {
  const words = text
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/%[0-9a-f]{2}/gi, ' ')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
  const pairs = words.slice(1).map((word, i) => `${words[i]}${word}`);
  return [...words, ...pairs];
}
