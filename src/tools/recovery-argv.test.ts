import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandRisk, textRisk } from './recovery-argv.ts';
import { sqlRecovery } from './recovery-sql.ts';

/** `{x}`: the agent's own. */
const risk = (line: string) =>
  commandRisk(line.split(' ').map((word) => (/^\{\w+\}$/.test(word) ? null : word)));

const REMOVES = `
git push --force origin main
git push -f
git push origin :old
git push origin +main
/usr/bin/git push origin --delete {b}
git branch -D {b}
git tag -d {t}
git reflog expire --expire=now --all
git gc --prune=now
git {what}
kubectl delete pvc {p}
kubectl delete persistentvolumeclaims data -n prod
kubectl delete ns {n}
kubectl delete {kind} {name}
kubectl delete -f {file}
kubectl delete volumesnapshot/{x}
velero backup delete {b}
velero schedule delete daily
aws s3 rb s3://x --force
aws s3api put-bucket-versioning --bucket {b}
aws s3api delete-bucket --bucket {b}
aws s3api put-bucket-lifecycle-configuration --bucket {b}
aws ec2 delete-snapshot --snapshot-id {s}
aws ec2 delete-volume --volume-id {v}
aws rds delete-db-instance --db-instance-identifier {d}
aws rds modify-db-instance --backup-retention-period 0
aws backup delete-recovery-point --backup-vault-name v
aws kms schedule-key-deletion --key-id {k}
aws cloudtrail stop-logging --name {t}
aws cloudtrail delete-trail --name {t}
aws logs delete-log-group --log-group-name {g}
gcloud compute disks delete {d}
gcloud sql backups delete {b}
gcloud compute snapshots delete {s}
gcloud storage buckets delete {b}
az storage account delete -n {n}
az backup protection disable --item-name {x}
doctl compute volume delete {v}
railway volume delete {v}
docker volume rm {v}
docker system prune -af --volumes
restic forget --keep-last 1
borg prune {repo}
zfs destroy pool/data@{snap}
lvremove -f {vg}
rm -rf /var/backups/{x}
rm /srv/snapshots/{x}
find /var/backups -name {x} -delete
sudo -n git push -f
env A=b timeout 10s aws s3 rb s3://b
sh -c {script}
bash -lc {script}
bash {file}
node -e {code}
python3 -c {code}
psql -c {sql}
xargs {program}
ssh host {command}
find . -exec {program} ;
dropdb {name}
pg_archivecleanup /wal {x}
redis-cli FLUSHALL
terraform destroy -auto-approve
signalbox ledger erase {run}
vssadmin delete shadows /all
journalctl --vacuum-time=1s
`;
for (const line of REMOVES.trim().split('\n'))
  test(`removes a way to recover: ${line}`, () =>
    assert.notEqual(risk(line)?.recovery ?? null, null));

const DESTROYS = `
rm {file}
git reset --hard
kubectl delete pod {p}
docker rm {c}
aws s3 rm s3://bucket/{key}
find /tmp -delete
`;
for (const line of DESTROYS.trim().split('\n'))
  test(`destroys, and no more: ${line}`, () => {
    const found = risk(line);
    assert.notEqual(found, null);
    assert.equal(found?.recovery, null);
  });

const HARMLESS = `
git log --max-count={n} -- {path}
git push origin main
git tag {t}
git status
kubectl get pvc {p}
kubectl logs {p}
aws s3 ls
aws rds create-db-snapshot --db-instance-identifier {d}
restic backup {path}
velero backup create {b}
cat {file}
grep -e {pattern} -- {file}
psql -f report.sql
sh report.sh {x}
node report.js {x}
find /srv -name {x}
env LANG=C sort {file}
docker volume ls
`;
for (const line of HARMLESS.trim().split('\n'))
  test(`nothing known: ${line}`, () => assert.equal(risk(line), null));

test('text is split as a shell would', () => {
  for (const text of [
    'true; git push "-f"',
    'cd /x && kubectl delete pvc data',
    'echo $(aws s3 rb s3://b)',
    "sh -c 'rm -rf /backups'",
    'x=1 git pu\\sh --force',
    'DROP TABLE customers',
    '$tool delete',
  ])
    assert.notEqual(textRisk(text)?.recovery ?? null, null, text);
  for (const text of ['echo "git push -f"', 'git push', 'select 1', 'ls -la | wc -l'])
    assert.equal(textRisk(text), null, text);
});

test('SQL that ends ways to recover is found by its words, behind comments too', () => {
  for (const text of [
    'drop table customers',
    'DROP/**/TABLE x',
    'select 1; -- nothing\n truncate orders',
    '/*!50000 drop */ table x',
    "select pg_drop_replication_slot('a')",
    'delete from audit_log',
    'update audit.log set x = 1',
    'alter system set archive_mode = off',
    'do $$ begin drop schema x; end $$',
    'purge binary logs before now()',
  ])
    assert.notEqual(sqlRecovery(text), null, text);
  for (const text of [
    "select 'drop table x'",
    'select truncate(1.5, 0)',
    'insert into audit_log values (1)',
    'delete from orders where id = 1',
    '-- drop table x\nselect 1',
    'select * from backups',
  ])
    assert.equal(sqlRecovery(text), null, text);
});
