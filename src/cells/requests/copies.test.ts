import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FarRequest } from '#bus'
import type { Creator } from '#model'
import { openStore, type Store } from '#store'
import { companionsOf } from './companions.ts'
import { keepInStep } from './copies.ts'

let here: Store
let there: Store
before(async () => {
  here = await openStore('sqlite://')
  there = await openStore('sqlite://')
})
after(async () => {
  await here.close()
  await there.close()
})

const flavor = (flavorId: string, name: string, more: Readonly<Record<string, unknown>> = {}) => ({
  flavorId,
  name,
  memoryMiB: 128,
  vcpus: 1,
  rootGiB: 1,
  ephemeralGiB: 0,
  swapMiB: 0,
  rxtxFactor: 1,
  isPublic: false,
  isDisabled: false,
  description: null,
  extraSpecs: {},
  ...more,
})

const request = (body: unknown): FarRequest => ({
  id: 'x',
  method: 'POST',
  path: '/servers',
  body,
  caller: { userId: 'u' } as Creator,
  requestId: 'req-1',
})
const carry = async (body: unknown) => keepInStep(there, await companionsOf(here, request(body)), 1)
const namesThere = async () => (await there.flavors.list({ sort: [] })).map(one => `${one.flavorId} ${one.name}`)

test('a flavor goes with the request that names it, with its projects, and changes with the original', async () => {
  const made = await here.flavors.create(flavor('f1', 'small'), 0)
  await here.flavors.addProject(made, 'p1')
  await carry({ server: { flavorRef: 'http://nova/v2.1/flavors/f1' } })
  const copy = await there.flavors.get('f1')
  assert.deepEqual(await there.flavors.projects(copy), ['p1'])
  // Nothing has changed: nothing is written.
  await carry({ resize: { flavorRef: 'f1' } })
  assert.equal((await there.flavors.get('f1')).number, copy.number)
  await here.flavors.setExtraSpecs('f1', { a: 'b' }, 1)
  await here.flavors.removeProject(made, 'p1')
  await here.flavors.addProject(made, 'p2')
  await carry({ resize: { flavorRef: 'f1' } })
  const changed = await there.flavors.get('f1')
  assert.deepEqual(changed.extraSpecs, { a: 'b' })
  assert.deepEqual(await there.flavors.projects(changed), ['p2'])
})

test('a name that belongs to another flavor now moves to it', async () => {
  await here.flavors.delete('f1')
  await here.flavors.create(flavor('f2', 'small'), 2)
  await carry({ server: { flavorRef: 'f2' } })
  assert.deepEqual(await namesThere(), ['f2 small'])
})

test('key pairs are those of the caller, as they are now', async () => {
  const key = { userId: 'u', name: 'k', type: 'ssh', publicKey: 'old', fingerprint: 'a', createdAtMs: 0 }
  await here.keypairs.create(key)
  await carry({ server: { key_name: 'k' } })
  await here.keypairs.delete('u', 'k')
  await here.keypairs.create({ ...key, publicKey: 'new' })
  await carry({ rebuild: { key_name: 'k' } })
  assert.equal((await there.keypairs.get('u', 'k')).publicKey, 'new')
})

test('server groups go along without their members', async () => {
  const group = { id: 'g1', name: 'g', projectId: 'p', userId: 'u', policy: 'affinity' as const, rules: {} }
  await here.serverGroups.create(group, 0)
  await carry({ server: {}, 'os:scheduler_hints': { group: 'g1' } })
  await carry({ server: {}, 'OS-SCH-HNT:scheduler_hints': { group: 'g1' } })
  assert.equal((await there.serverGroups.find('g1'))?.policy, 'affinity')
})

test('what this cell does not have either, the far cell refuses itself', async () => {
  const none = { flavors: [], keypairs: [], serverGroups: [] }
  const body = { server: { flavorRef: 'none', key_name: 'none' }, 'os:scheduler_hints': { group: 'none' } }
  assert.deepEqual(await companionsOf(here, request(body)), none)
  assert.deepEqual(await companionsOf(here, request(['no', 'object'])), none)
})
