/**
 * Words by which systems name what people recover with, by family. They only ever raise: an operation that removes
 * something so named is a destruction that nothing undoes, and in production no agent's to ask for. So words that mean
 * other things as often (`archive`, `image`, `replica`, `history` alone) are left to the manifest, which says
 * `recoveryPath: true`. Names of several words are written as one: `recovery point` is `recoverypoint`. All singular.
 */
interface Family {
  /** A way back itself. Removing one removes a recovery path, wherever in a name it stands. */
  readonly kept?: string;
  /** What takes its copies, versions or history with it. Counts where it is the very thing that is removed. */
  readonly holders?: string;
  /** Tells afterwards what happened. Adding to it is harmless; removing or changing is not. */
  readonly records?: string;
  /** Keeps the others alive. Changing it is as good as removing. */
  readonly settings?: string;
  /** Like settings, but making a new one can already remove: a rule that expires old versions. */
  readonly rules?: string;
  /** Operations by their whole names. */
  readonly acts?: string;
}

export const RECOVERY_CATALOGUE: Readonly<Record<string, Family>> = {
  backups: {
    kept:
      'backup bak basebackup bkp backupset backupvault backupjob finalbackup automatedbackup dump databasedump dbdump ' +
      'snapshot diskimage machineimage pitr recoverypoint restorepoint savepoint pointintimerecovery recoveryservice ' +
      'protecteditem recoverablebackup',
    settings:
      'backuppolicy backupschedule backupplan backupretention backupwindow backupconfig backupconfiguration backupconf ' +
      'backupselection snapshotpolicy snapshotschedule skipfinalsnapshot deleteautomatedbackup',
    acts: 'unregisterprotection disableprotection stopprotection disablebackup',
  },
  databases: {
    kept:
      'wal walarchive archivelog binlog oplog redolog undolog transactionlog replicationslot flashback ' +
      'flashbackarchive tombstone',
    holders:
      'database db dbinstance dbcluster rdsinstance sqlinstance databaseinstance databasecluster table keyspace',
    settings:
      'archivemode archivecommand walretention walkeepsize maxslotwalkeepsize walarchiving binlogretention',
    acts:
      'pgdropreplicationslot pgresetwal pgarchivecleanup pgreplicationslotadvance resetmaster purgebinarylog ' +
      'purgemasterlog flushall flushdb dropcollection dropdatabase dropschema droptablespace truncatetable',
  },
  volumes: {
    kept: 'volumesnapshot disksnapshot ebssnapshot',
    holders: 'volume disk ebsvolume filesystem blockstorage blockvolume logicalvolume zpool lun',
  },
  objects: {
    kept:
      'version revision objectversion versionhistory revisionhistory changehistory deletemarker noncurrentversion ' +
      'trash recyclebin',
    holders: 'bucket storageaccount blobcontainer',
    settings:
      'retention retentionpolicy retentionday retentionperiod deletionprotection deleteprotection terminationprotection ' +
      'immutability immutabilitypolicy legalhold softdelete worm mfadelete',
    rules:
      'objectlock versioning bucketversioning lifecyclepolicy lifecyclerule lifecycleconfiguration bucketlifecycle ' +
      'lifecyclemanagement',
  },
  kubernetes: {
    kept: 'persistentvolume persistentvolumeclaim pvc velero volumesnapshotcontent volumesnapshotclass etcd',
    holders: 'namespace pv statefulset',
    settings: 'reclaimpolicy persistentvolumereclaimpolicy finalizer veleroschedule',
  },
  git: {
    kept: 'reflog gitref refshead refstag repositorytag repotag gittag remotebranch gitbranch',
    holders: 'repository repo branch',
    settings: 'branchprotection protectedbranch protectedtag allowforcepush forcepushallowed',
    acts: 'forcepush pushforce gcprune reflogexpire reflogdelete filterbranch filterrepo rewritehistory',
  },
  logs: {
    kept: 'loggroup logstream logbucket logarchive',
    records:
      'audit auditlog auditevent audittrail auditing cloudtrail activitylog accesslog flowlog',
    settings:
      'auditconfig auditpolicy diagnosticsetting logsink logexport logretention configurationrecorder',
    acts: 'deletetrail updatetrail stoplogging disablelogging stopconfigurationrecorder puteventselector disableaudit',
  },
  keys: {
    kept: 'keyversion cryptokeyversion kmskey customermasterkey',
    holders: 'vault keyvault cryptokey',
    settings: 'managementlock authorizationlock',
    acts: 'schedulekeydeletion disablekmskey deletekeymaterial deleteimportedkeymaterial',
  },
  own: { kept: 'beforeimage signalboxledger', acts: 'ledgererase' },
};

/** Verbs by which requests that are no DELETE remove something. */
export const REMOVING_VERBS: ReadonlySet<string> = setOf(
  'clean cleanup clear delete deletes del destroy detach disable discard drop empty erase evict expire expunge flush ' +
    'forget kill nuke obliterate overwrite prune purge remove removes reset revoke rm rotate scrub shred terminate trim ' +
    'truncate unlink unset vacuum wipe zap delmany bulkdelete harddelete deprovision decommission',
);
/** Nouns that say the same where something is asked for that is no read. */
export const REMOVING_NOUNS = setOf(
  'deletion removal erasure destruction purging deleting removing',
);
/** Of the verbs, those that end a thing rather than loosen or restart it. */
const ENDING_VERBS = setOf(
  'delete deletes del destroy discard drop erase expunge nuke obliterate purge remove removes rm shred terminate ' +
    'truncate unlink wipe zap empty bulkdelete harddelete deprovision decommission format reset',
);
/** Verbs that change what stands. */
const CHANGING_VERBS = setOf(
  'alter bypass cancel change configure deregister disable edit lower modify override patch pause put reduce release ' +
    'replace retire set shorten skip stop suspend toggle unlock unprotect unregister unschedule update upsert',
);
/** Of those, the ones that make no new entry: a record is added with `put`. */
const REWRITING_VERBS = setOf(
  'alter bypass change configure disable edit modify override pause redact replace rewrite stop suspend toggle update',
);

type Kind = Exclude<keyof Family, undefined>;

function wordsOfKind(kind: Kind): ReadonlySet<string> {
  return setOf(
    Object.values(RECOVERY_CATALOGUE)
      .map((family) => family[kind] ?? '')
      .join(' '),
  );
}

const KEPT = wordsOfKind('kept');
const HOLDERS = wordsOfKind('holders');
const RECORDS = wordsOfKind('records');
const SETTINGS = wordsOfKind('settings');
const RULES = wordsOfKind('rules');
const ACTS = wordsOfKind('acts');

/** What one recovers with. */
export const RECOVERY_THINGS: ReadonlySet<string> = KEPT;
/** What keeps the above alive, or tells afterwards what happened: changing it is as good as removing. */
export const RECOVERY_RULES: ReadonlySet<string> = new Set([...RECORDS, ...SETTINGS, ...RULES]);

export type RecoveryKind = 'kept' | 'holder' | 'record' | 'setting' | 'rule' | 'act';

/** The first of these words that is one of that kind. */
export function firstOf(words: readonly string[], kind: RecoveryKind): string | undefined {
  const known = {
    kept: KEPT,
    holder: HOLDERS,
    record: RECORDS,
    setting: SETTINGS,
    rule: RULES,
    act: ACTS,
  }[kind];
  return words.find((word) => known.has(word));
}

export type VerbKind = 'removing' | 'ending' | 'changing' | 'rewriting';

export function firstVerb(words: readonly string[], kind: VerbKind): string | undefined {
  const known = {
    removing: REMOVING_VERBS,
    ending: ENDING_VERBS,
    changing: CHANGING_VERBS,
    rewriting: REWRITING_VERBS,
  }[kind];
  return words.find((word) => known.has(word));
}

export function isHolder(word: string): boolean {
  return HOLDERS.has(word);
}

/** Long enough to mean nothing else inside a longer word. */
const TELLING = [...KEPT, ...SETTINGS, ...RULES, ...HOLDERS].filter((word) => word.length >= 6);
const GLUED_VERBS = [...ENDING_VERBS].filter((word) => word.length >= 4);
const MAX_JOINED = 4;
const MAX_TEXT = 20_000;

/**
 * The words of a path, a name or a query, as a reader would split them, singular, and what neighbours make together:
 * `/auditLogs/{id}:purge` is `audit`, `log`, `purge`, `auditlog`, …
 */
export function wordsOf(text: string): string[] {
  const single = singleWords(text);
  const joined: string[] = [];
  for (let length = 2; length <= MAX_JOINED; length++)
    for (let at = 0; at + length <= single.length; at++)
      joined.push(single.slice(at, at + length).join(''));
  return [...single, ...joined];
}

/** The same without what neighbours make together. */
export function singleWords(text: string): string[] {
  return decoded(text.slice(0, MAX_TEXT))
    .normalize('NFKC')
    .replaceAll(/\{[^{}]*\}/g, ' ')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])(?=[A-Z][a-z])/g, '$1 ')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '')
    .flatMap(unglued)
    .map(singular);
}

/** `%62ackups` is read as a server reads it; several times, since some decode twice. */
function decoded(text: string): string {
  let now = text;
  for (let round = 0; round < 3 && /%[0-9a-f]{2}/i.test(now); round++)
    now = now.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
  return now;
}

/** `deletedbsnapshot` and `volumedelete`: a verb before or after something of the catalogue. */
function unglued(word: string): string[] {
  if (word.length < 8 || KEPT.has(word) || SETTINGS.has(word) || ACTS.has(word)) return [word];
  for (const verb of GLUED_VERBS) {
    const rest = word.startsWith(verb)
      ? word.slice(verb.length)
      : word.endsWith(verb)
        ? word.slice(0, -verb.length)
        : '';
    if (rest.length < 3) continue;
    const thing = singular(rest);
    if (KEPT.has(thing) || HOLDERS.has(thing) || SETTINGS.has(thing) || RECORDS.has(thing))
      return word.startsWith(verb) ? [verb, thing] : [thing, verb];
    // `deletedbackups` lists what is gone
    if (rest.startsWith('d') && TELLING.some((one) => rest.startsWith(one, 1))) continue;
    const inside = TELLING.find((one) => rest.includes(one));
    if (inside !== undefined) return word.startsWith(verb) ? [verb, inside] : [inside, verb];
  }
  return [word];
}

function singular(word: string): string {
  if (REMOVING_VERBS.has(word) || word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:ch|sh|x|ss|z)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(' ').filter((word) => word !== ''));
}
