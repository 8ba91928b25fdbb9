import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newUuid, systemClock } from '#base'
import { sagas } from '#conductor'
import { device } from '#model'
import { type Journal } from '#saga'
import { describePoint, sweepOne, sweepPoints, type World } from '#saga/sweep'
import { sagaJournal } from '#store'
import { acceptBuild } from '../../src/api/accept/build.ts'
import { acceptTask } from '../../src/api/accept/task.ts'
import { runOpen } from './engine.ts'
import { image, intentOn } from './intent.ts'
import { caller, type SmallCloud, smallCloud } from './world.ts'

const requestId = 'req-00000000-0000-0000-0000-000000000000'

async function* bits(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(4096)
}

async function otherImage(cloud: SmallCloud): Promise<string> {
  const fields = { name: 'other', visibility: 'private', diskFormat: 'raw', containerFormat: 'bare' } as const
  const { id } = await cloud.images.port.create(caller, { ...fields, minDiskGiB: 0, minRamMiB: 0, properties: {} })
  await cloud.images.port.upload(caller, id, bits())
  return id
}

/** A server whose root disk is a volume, asked to become another image. */
async function begin(cloud: SmallCloud): Promise<{ id: string; other: string; sagaId: string }> {
  const intent = await intentOn(cloud, null)
  const root = device({
    source: 'image',
    destination: 'volume',
    imageId: image.id,
    bootIndex: 0,
    size: 1,
    deviceType: 'disk',
    deleteOnTermination: true,
  })
  const onVolume = { ...intent, image: null, devices: [root] }
  const [id = ''] = (await acceptBuild(cloud.api, caller, requestId, onVolume)).instanceIds
  await runOpen(cloud)
  const instance = await cloud.store.instances.get(id)
  assert.equal(instance.vmState, 'active')
  const other = await otherImage(cloud)
  await acceptTask(cloud.api, caller, true, requestId, instance, {
    action: 'rebuild',
    word: 'rebuild',
    saga: 'server-rebuild',
    input: {
      image: { ...image, id: other },
      isNewImage: true,
      isOnVolume: true,
      keepsEphemeral: false,
      specImage: image,
      before: {},
    },
    alsoWrite: tx => tx.launchSecrets.keep(id, { adminPassword: newUuid(), files: [] }),
  })
  const [sagaId = ''] = await cloud.store.sagas.openOf(id)
  return { id, other, sagaId }
}

async function complaints(cloud: SmallCloud, id: string, wanted: { image: string | null }): Promise<readonly string[]> {
  const found: string[] = []
  const instance = await cloud.store.instances.get(id)
  const [root] = await cloud.store.blockDevices.of(id)
  const volumeId = root?.volumeId ?? ''
  const volume = await cloud.conductor.volumes.get('service', volumeId)
  const attachments = await cloud.conductor.volumes.attachments('service', { volumeId, serverId: id })
  const guests = (await Promise.all([...cloud.drivers.values()].map(driver => driver.list()))).flat()
  const expected = wanted.image === null ? ['active', 'error'] : ['active']
  if (!expected.includes(instance.vmState)) found.push(`vm_state ${instance.vmState}`)
  if (instance.taskState !== null) found.push(`task_state ${instance.taskState}`)
  if (volume.status !== 'in-use') found.push(`volume ${volume.status}`)
  if (wanted.image !== null && volume.imageMetadata['image_id'] !== wanted.image) found.push('the old content')
  if (attachments.length !== 1 || attachments[0]?.id !== root?.attachmentId)
    found.push(`${attachments.length} attachments`)
  if (root?.connectionInfo === null) found.push('no connection in the record')
  if (guests.length !== 1) found.push(`${guests.length} guests`)
  if ((await cloud.store.launchSecrets.find(id)) !== undefined) found.push('a secret')
  return found
}

describe('sweep server-rebuild of a server on a volume', async () => {
  const definition = sagas['server-rebuild']
  const newWorld = async (): Promise<World> => {
    const cloud = await smallCloud(['one'])
    let at = { id: '', other: '' }
    return {
      store: sagaJournal<Journal>(cloud.store, systemClock) as never,
      deps: cloud.conductor,
      async begin() {
        const { sagaId, ...begun } = await begin(cloud)
        at = begun
        return sagaId
      },
      complaints: outcome => complaints(cloud, at.id, { image: outcome.status === 'done' ? at.other : null }),
      close: () => cloud.close(),
    }
  }
  for (const point of await sweepPoints(definition, newWorld)) {
    test(describePoint(point), async () => assert.deepEqual(await sweepOne(definition, newWorld, point), []))
  }
})
