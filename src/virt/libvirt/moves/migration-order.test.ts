import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagsOf, type MigrationOrder, migrateFlag, paramsOf } from './migration-order.ts'
import { timeoutAction } from './patience.ts'
import { type MigrationSettings, plainMigration } from './settings.ts'

const order: MigrationOrder = {
  xml: '<domain/>',
  target: { host: 'compute-2', address: '10.0.0.2' },
  copied: ['vda'],
  isPaused: false,
  passesCaches: true,
}

const flags = (settings: Partial<MigrationSettings>, change: Partial<MigrationOrder> = {}): string[] => {
  const all = flagsOf({ ...plainMigration, ...settings }, { ...order, ...change })
  return Object.entries(migrateFlag).flatMap(([name, bit]) => ((all & bit) === 0 ? [] : [name]))
}
const always = ['live', 'peerToPeer', 'persistAtTarget', 'undefineSource']

test('without more, a guest goes alive, with its disks, past caches only where they are passed by', () => {
  assert.deepEqual(flags({}), [...always, 'copyTopLayers', 'unsafe'])
  assert.deepEqual(flags({}, { copied: [], passesCaches: false }), always)
})

test('post-copy excludes auto-converge, and is not for paused guests, tunnels and parallel connections', () => {
  const both = { permitsPostCopy: true, permitsAutoConverge: true }
  const only = (settings: Partial<MigrationSettings>, change: Partial<MigrationOrder> = {}) =>
    flags({ ...both, ...settings }, { copied: [], passesCaches: false, ...change }).filter(
      name => !always.includes(name),
    )
  assert.deepEqual(only({}), ['postCopy'])
  assert.deepEqual(only({}, { isPaused: true }), ['autoConverge'])
  assert.deepEqual(only({ isTunnelled: true }).toSorted(), ['autoConverge', 'tunnelled'])
  assert.deepEqual(only({ parallelConnections: 4 }), ['autoConverge', 'parallel'])
  assert.deepEqual(only({ permitsPostCopy: false, usesNativeTls: true }), ['autoConverge', 'tls'])
})

test('memory goes to an address that the target has named, unless the daemons carry it', () => {
  const names = (settings: Partial<MigrationSettings>, change: Partial<MigrationOrder> = {}) =>
    paramsOf({ ...plainMigration, ...settings }, { ...order, ...change }).map(([name]) => name)
  const usual = ['destination_xml', 'persistent_xml', 'migrate_disks']
  assert.deepEqual(names({}), [...usual, 'migrate_uri', 'listen_address'])
  assert.deepEqual(names({}, { target: { host: 'compute-2', address: 'compute-2' } }), usual)
  assert.deepEqual(names({ isTunnelled: true, bandwidthMiBs: 10 }), [...usual, 'bandwidth'])
  assert.deepEqual(names({ parallelConnections: 2 }).at(-1), 'parallel.connections')
})

test('a copy may take so many seconds for each GiB, or for ever', () => {
  const completion = { secondsPerGiB: 10, action: 'force_complete' } as const
  assert.equal(timeoutAction({ ...plainMigration, completion }, 3, 30_000), undefined)
  assert.equal(timeoutAction({ ...plainMigration, completion }, 3, 30_001), 'force_complete')
  const endless = { ...plainMigration, completion: { secondsPerGiB: 0, action: 'abort' } as const }
  assert.equal(timeoutAction(endless, 2, Number.MAX_SAFE_INTEGER), undefined)
})
