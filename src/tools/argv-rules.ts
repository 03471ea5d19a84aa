/** What command lines remove, as data. `words`: each must stand among the arguments; `a|b` for either, `x*` for a beginning. */
export interface ArgvRule {
  readonly of: readonly string[];
  readonly words: readonly string[];
  /** It takes a way to recover along; otherwise it destroys. */
  readonly recovery: boolean;
}

export const SHELLS: ReadonlySet<string> = new Set(
  'sh bash dash zsh ksh ash fish busybox cmd powershell pwsh rbash tcsh csh'.split(' '),
);

/** Programs with an option whose value they run. */
export const EVALUATORS: ReadonlyMap<string, RegExp> = new Map([
  ['node', /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/],
  ['deno', /^eval$/],
  ['bun', /^(?:-e|--eval)(?:=|$)/],
  ['python', /^-c$/],
  ['python2', /^-c$/],
  ['python3', /^-c$/],
  ['perl', /^-[a-z]*[eE]$/],
  ['ruby', /^-e$/],
  ['php', /^-r$/],
  ['lua', /^-e$/],
  ['awk', /^--source$/],
  ['psql', /^(?:-c|--command)(?:=|$)/],
  ['mysql', /^(?:-e|--execute)(?:=|$)/],
  ['mariadb', /^(?:-e|--execute)(?:=|$)/],
  ['sqlite3', /^-cmd$/],
  ['mongosh', /^--eval(?:=|$)/],
  ['mongo', /^--eval(?:=|$)/],
  ['sqlcmd', /^-[qQ]$/],
]);

const OPTION = /^(?:-.*|\w+=.*)$/s;

/** Programs that start what their arguments name, and what stands before that. */
export const WRAPPERS: ReadonlyMap<string, { readonly shape: RegExp; readonly own: number }> =
  new Map([
    ...'sudo doas env nice nohup setsid stdbuf time command exec xargs ionice chrt unshare proxychains watch parallel'
      .split(' ')
      .map((name) => [name, { shape: OPTION, own: 0 }] as const),
    ['timeout', { shape: /^(?:-.*|\d[\d.]*[smhd]?)$/, own: 0 }],
    ['su', { shape: OPTION, own: 0 }],
    ['chroot', { shape: OPTION, own: 1 }],
    ['ssh', { shape: OPTION, own: 1 }],
    ['flock', { shape: OPTION, own: 1 }],
  ]);

/** Programs of many commands: one that the agent chooses can be any of them. */
export const MULTI: ReadonlySet<string> = new Set(
  (
    'git gh glab hub kubectl oc helm k3s docker podman nerdctl aws gcloud gsutil az doctl railway flyctl fly heroku ' +
    'vercel supabase neonctl terraform tofu pulumi ansible ansible-playbook systemctl zfs zpool btrfs lvm restic borg ' +
    'velero rclone mc s3cmd etcdctl vault consul nomad redis-cli psql mysql mongosh mariadb sqlite3 sqlcmd make npm ' +
    'npx yarn pnpm signalbox'
  ).split(' '),
);

function rules(recovery: boolean, lines: string): ArgvRule[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [of = '', ...words] = line.trim().split(/\s+/);
      return { of: of.split('|'), words, recovery };
    });
}

export const ARGV_RULES: readonly ArgvRule[] = [
  ...rules(
    true,
    `
    git push -f|--force|--force-with-lease*|--force-if-includes|--mirror|--delete|-d|--prune|+*|:*
    git branch -d|-D|--delete|-f|--force|-M
    git tag -d|--delete|-f|--force
    git reflog expire|delete|drop
    git gc --prune*|--aggressive
    git prune
    git update-ref -d|--stdin
    git filter-branch
    git filter-repo
    git stash drop|clear
    git replace -d|-f
    git worktree remove
    git remote prune|remove|rm
    gh repo delete
    gh release delete
    gh api -X|--method DELETE|delete
    kubectl|oc delete -f|--filename|-k|--kustomize|--all
    kubectl|oc drain
    helm uninstall|delete
    velero delete
    docker|podman|nerdctl volume rm|remove|prune
    docker|podman|nerdctl system prune
    docker|podman|docker-compose|nerdctl down -v|--volumes
    docker-compose rm -v
    aws s3 rb
    aws s3 sync --delete
    gsutil rb
    gsutil versioning|lifecycle|retention set
    s3cmd rb
    mc rb
    mc rm --versions|--non-current|--force
    mc version suspend
    rclone purge|sync|cleanup
    terraform|tofu destroy
    terraform|tofu apply -destroy|--destroy
    terraform|tofu state rm
    pulumi destroy
    restic forget|prune|unlock
    borg delete|prune|compact|recreate
    duplicity remove-*|cleanup
    zfs destroy|rollback|release
    zpool destroy|labelclear|remove
    btrfs subvolume delete
    btrfs sub del
    lvremove
    vgremove
    pvremove
    lvm lvremove|vgremove|pvremove
    wipefs
    blkdiscard
    shred
    mkswap
    mkfs
    mke2fs
    mkfs.ext4
    mkfs.xfs
    mkfs.btrfs
    parted
    fdisk
    sfdisk
    sgdisk
    gdisk
    dd of=*
    cryptsetup erase|luksErase|luksFormat|luksKillSlot|luksRemoveKey
    vssadmin delete|resize
    wbadmin delete|disable
    wmic shadowcopy
    bcdedit
    wevtutil cl|clear-log|sl
    journalctl --vacuum*|--rotate
    auditctl -D|-e|-d
    logrotate -f|--force
    tmutil delete|deletelocalsnapshots|disable|thinlocalsnapshots
    snapper delete|rm|remove|cleanup
    timeshift --delete*
    etcdctl del|compact|defrag
    vault delete|destroy|disable
    vault kv metadata|destroy|delete
    dropdb
    dropuser
    pg_dropcluster
    pg_archivecleanup
    pg_resetwal
    pg_receivewal --drop-slot
    pg_recvlogical --drop-slot|--drop
    pgbackrest expire|stanza-delete|stop
    barman delete|delete-backup
    wal-g delete
    wal-e delete
    mysqladmin drop|flush-logs|flush-all-logs
    redis-cli FLUSHALL|FLUSHDB|flushall|flushdb|SHUTDOWN|shutdown
    redis-cli CONFIG|config SET|set
    nodetool clearsnapshot|truncatehints|decommission
    heroku pg:reset|pg:backups:delete|pg:backups:unschedule|apps:destroy|addons:destroy
    fly|flyctl volumes destroy|delete|rm
    fly|flyctl apps destroy
    railway down|delete
    supabase projects delete
    chattr -a|-i
    signalbox ledger erase
    history -c
    `,
  ),
  ...rules(
    false,
    `
    git reset --hard|--merge
    git clean
    git checkout --force|-f|--
    git restore
    git rebase
    git rm
    git commit --amend
    find -delete
    rsync --delete*|--remove-source-files
    truncate
    kubectl delete
    docker rm|rmi|kill|prune
    systemctl stop|disable|mask
    kill
    killall
    pkill
    userdel
    groupdel
    crontab -r
    iptables -F|-X|-D
    ip link|route|addr del|delete|flush
    rmdir
    mv -f|--force
    sed -i*
    `,
  ),
];
