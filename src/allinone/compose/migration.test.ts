import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '#config'
import { ConflictingMigrationOptions, migrationSettings } from './migration.ts'

const settings = (libvirt: Readonly<Record<string, unknown>>) =>
  migrationSettings(loadConfig({ env: {}, overrides: { libvirt } }))

test('how long a copy may take and what happens then', () => {
  assert.deepEqual(settings({}).completion, { secondsPerGiB: 800, action: 'abort' })
  const asked = { live_migration_completion_timeout: 5, live_migration_timeout_action: 'force_complete' }
  assert.deepEqual(settings(asked).completion, { secondsPerGiB: 5, action: 'force_complete' })
})

test('a tunnel and QEMU’s own encryption exclude each other', () => {
  const both = { live_migration_tunnelled: true, live_migration_with_native_tls: true }
  assert.throws(() => settings(both), ConflictingMigrationOptions.is)
})
