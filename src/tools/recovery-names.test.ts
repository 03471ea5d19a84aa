import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describedRecovery, namedRecovery } from './recovery-names.ts';

const REMOVES = [
  'volumeDelete',
  'volumeBackupDelete',
  'delete_volume',
  'deletevolume',
  'VOLUME_DELETE',
  'delete_volume_by_id',
  'deleteVolumesPermanently',
  'DeleteDBSnapshot',
  'deletedbsnapshot',
  'purgeoldbackups',
  'DeleteDBInstance',
  'DeleteDBClusterAutomatedBackup',
  'DeleteRecoveryPoint',
  'delete-backup-vault',
  'ModifyBackupRetention',
  'put_bucket_versioning',
  'PutBucketLifecycleConfiguration',
  'create_lifecycle_rule',
  'DeleteBucket',
  'emptyTrash',
  'ScheduleKeyDeletion',
  'StopLogging',
  'DeleteTrail',
  'UpdateTrail',
  'delete_audit_logs',
  'redactAuditEvent',
  'disable_point_in_time_recovery',
  'pg_drop_replication_slot',
  'resetMaster',
  'FLUSHALL',
  'drop_database',
  'truncate_table',
  'kubectl_delete_pvc',
  'deleteNamespace',
  'delete_persistent_volume_claim',
  'veleroBackupDelete',
  'delete_branch',
  'git_force_push',
  'expire_snapshots',
  'set_deletion_protection',
  'removeBranchProtection',
  'releaseLegalHold',
  'volume-deletion',
  'delete_log_group',
  'wipeDisk',
  'db_backup_rm',
  'ｄｅｌｅｔｅ_backup',
];
for (const name of REMOVES)
  test(`\`${name}\` removes a way to recover`, () => assert.notEqual(namedRecovery(name), null));

const HARMLESS = [
  'createBackup',
  'list_backups',
  'get_snapshot',
  'restore_from_snapshot',
  'volumeCreate',
  'delete_volume_label',
  'volumeLabelDelete',
  'deleteVolumeAttachment',
  'detach_volume',
  'attach_volume',
  'delete_user',
  'remove_item_from_cart',
  'delete_database_user',
  'deleteTableRow',
  'append_audit_event',
  'putAuditEvents',
  'get_retention_policy',
  'list_deleted_backups',
  'get_deleted_orders',
  'update_user',
  'send_message',
  'create_branch',
  'git_push',
  'delete_comment',
  'search_versions',
  'delete_playlist',
  'resetPassword',
];
for (const name of HARMLESS)
  test(`\`${name}\` removes none`, () => assert.equal(namedRecovery(name), null));

test('a description is read for a verb shortly before a way to recover', () => {
  for (const text of [
    'Deletes the volume and all of its backups.',
    'Use this to permanently remove old snapshots',
    'Cleans up. Will purge the audit log of the project.',
  ])
    assert.notEqual(describedRecovery(text), null, text);
  for (const text of [
    'Creates a backup of the volume.',
    'Deletes a label. Backups are listed elsewhere.',
    'Lists what was deleted, and the backups there are.',
    'Does not delete backups.',
  ])
    assert.equal(describedRecovery(text), null, text);
});
