import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceId } from '#base'
import { computeContract } from '#bus'
import type { GuestSpec } from '#virt'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptTask } from '../../src/api/accept/task.ts'
import { computeHandlers } from '../../src/compute/handlers.ts'
import { engineOf, runOpen } from './engine.ts'
import { intentOn } from './intent.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

/** Every spec that the host `one` is given from now on. */
function watchSpecs(cloud: SmallCloud): GuestSpec[] {
  const seen: GuestSpec[] = []
  const driver = cloud.drivers.get('one')
  assert.ok(driver !== undefined)
  const handlers = computeHandlers(driver, {
    maxConcurrentBuilds: 0,
    softRebootMs: 1000,
    images: () => cloud.images.port,
  })
  const told = <T>({ spec }: { spec: GuestSpec }, then: T): T => {
    seen.push(spec)
    return then
  }
  cloud.conductor.bus.serve(computeContract, 'one', {
    ...handlers,
    spawn: (args, context) => told(args, handlers.spawn(args, context)),
    start: (args, context) => told(args, handlers.start(args, context)),
  })
  return seen
}

const runTold = (cloud: SmallCloud, id: string, whenDone: (journals: string) => void): Promise<void> =>
  runOpen(cloud, id, engineOf(cloud, { onEnd: row => whenDone(JSON.stringify(row)) }))

const textOf = (spec: GuestSpec | undefined, path: string): string => {
  const file = spec?.configDrive?.files.find(each => each.path === path)
  assert.ok(file !== undefined, `${path} is not on the drive`)
  return Buffer.from(file.base64, 'base64').toString()
}

test('the first spec of a guest has the drive with its secrets, and nothing else has them', async t => {
  const cloud = await smallCloud(['one'])
  t.after(() => cloud.close())
  const specs = watchSpecs(cloud)
  const intent = { ...(await intentOn(cloud, null)), userData: 'IyEvYmluL3NoCg==' }
  const id = (await acceptBuild(cloud.api, caller, requestId, intent)).instanceIds[0] ?? ''
  assert.deepEqual(await cloud.store.launchSecrets.find(id), intent.secret)
  const noSecret = (journals: string) => assert.ok(!journals.includes('gocubsgo') && !journals.includes('aGVsbG8K'))
  await runTold(cloud, id, noSecret)

  assert.equal(specs[0]?.configDrive?.format, 'iso9660')
  const metaData = JSON.parse(textOf(specs[0], 'openstack/latest/meta_data.json'))
  assert.equal(metaData.uuid, id)
  assert.equal(metaData.hostname, 'server.novalocal')
  assert.equal(metaData.availability_zone, 'nova')
  assert.equal(metaData.admin_pass, 'gocubsgo')
  assert.deepEqual(metaData.files, [{ path: '/etc/motd', content_path: '/content/0000' }])
  assert.equal(textOf(specs[0], 'openstack/content/0000'), 'hello\n')
  assert.equal(textOf(specs[0], 'openstack/latest/user_data'), '#!/bin/sh\n')
  assert.equal(JSON.parse(textOf(specs[0], 'openstack/latest/network_data.json')).networks.length, 1)
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  noSecret(JSON.stringify(await cloud.store.instances.get(id)))

  for (const word of ['stop', 'start'] as const) {
    const request = { action: word, word, saga: `server-${word}`, input: {} } as const
    await acceptTask(cloud.api, caller, true, requestId, await cloud.store.instances.get(id), request)
    await runTold(cloud, id, noSecret)
  }
  assert.equal(specs.length, 2)
  assert.equal(specs[1]?.configDrive, undefined)
  const guest = cloud.drivers.get('one')?.guest(instanceId(id))
  assert.equal((await guest?.diagnostics())?.configDrive, true)
})

test('without a drive nothing secret is kept', async t => {
  const cloud = await smallCloud(['one'])
  t.after(() => cloud.close())
  const specs = watchSpecs(cloud)
  const intent = { ...(await intentOn(cloud, null)), hasConfigDrive: false }
  const id = (await acceptBuild(cloud.api, caller, requestId, intent)).instanceIds[0] ?? ''
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  await runTold(cloud, id, () => undefined)
  assert.equal(specs.length, 1)
  assert.equal(specs[0]?.configDrive, undefined)
})
