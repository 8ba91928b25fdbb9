import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { instanceMetadata } from '#metadata'
import { HypervisorError } from '#virt'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'
import { moreVolumes } from './volumes.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { instances: -1, cores: -1, ram: -1 } })
  await moreVolumes(cloud)
})
after(() => cloud.close())

const create = (fields: object, ask: Ask = {}) => {
  const server = { name: 'server', flavorRef: cloud.flavorId, networks: 'none', ...fields }
  return cloud.request('POST', '/servers', { version: '2.100', ...ask, body: { server } })
}
const boot = async (fields: object, ask: Ask = {}): Promise<string> => {
  const { id } = (await create(fields, ask)).expect(202).body.server
  await cloud.waitForStatus(id, 'ACTIVE')
  return id
}
const remove = async (id: string): Promise<void> => {
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
}
const attachments = async (id: string): Promise<Json[]> =>
  (await cloud.request('GET', `/servers/${id}/os-volume_attachments`, { version: newest })).expect(200).body
    .volumeAttachments
const bootable = async (fields: object = {}) => cloud.newVolume({ imageRef: cloud.imageId, ...fields })
const disks = (id: string) =>
  cloud.driver.disksOf(instanceId(id)).map(({ kind, deviceName, size, bootIndex }) => ({
    kind,
    deviceName,
    size,
    bootIndex,
  }))
const statusOf = async (id: string): Promise<string> => (await cloud.cinder('GET', `/volumes/${id}`)).volume.status
const isGone = (id: string) =>
  waitFor(
    'the volume to be gone',
    async () => ((await cloud.cinder('GET', '/volumes')).volumes.some((v: Json) => v.id === id) ? undefined : true),
    { deadlineMs: 60_000, everyMs: 5 },
  )

describe('boot from a volume', () => {
  test('of the user’s: no image, no disk claimed, the volume stays', async () => {
    const volumeId = await bootable()
    const root = { source_type: 'volume', destination_type: 'volume', uuid: volumeId, boot_index: 0 }
    const id = await boot({ block_device_mapping_v2: [root] })
    const server = await cloud.server(id)
    assert.equal(server.image, '')
    assert.deepEqual(server['os-extended-volumes:volumes_attached'], [{ id: volumeId, delete_on_termination: false }])
    assert.deepEqual(disks(id), [{ kind: 'volume', deviceName: '/dev/vda', size: 1, bootIndex: 0 }])
    const { allocations } = await cloud.placement.port.consumer(id)
    assert.deepEqual(
      Object.values(allocations).map(a => Object.keys(a.resources ?? a).includes('DISK_GB')),
      [false],
    )
    assert.equal(await statusOf(volumeId), 'in-use')
    const path = `/servers/${id}/os-volume_attachments/${volumeId}`
    ;(await cloud.request('DELETE', path)).refuses(400, 'Cannot detach a root device volume')
    await remove(id)
    assert.equal(await statusOf(volumeId), 'available')
  })

  test('imageRef may be empty; one that goes with its server', async () => {
    const volumeId = await bootable()
    const root = { source_type: 'volume', destination_type: 'volume', uuid: volumeId, boot_index: '0' }
    const id = await boot({ imageRef: '', block_device_mapping_v2: [{ ...root, delete_on_termination: true }] })
    await remove(id)
    await isGone(volumeId)
  })

  test('made of an image, in the user’s name, with what the image says', async () => {
    const root = {
      source_type: 'image',
      destination_type: 'volume',
      uuid: cloud.imageId,
      boot_index: 0,
      volume_size: 2,
      delete_on_termination: true,
      tag: 'root',
    }
    const id = await boot({ block_device_mapping_v2: [root] })
    const [made] = await attachments(id)
    assert.deepEqual([made.device, made.tag, made.delete_on_termination], ['/dev/vda', 'root', true])
    const { volume } = await cloud.cinder('GET', `/volumes/${made.volumeId}`)
    assert.deepEqual([volume.size, volume.name, volume.user_id], [2, '', cloud.member.userId])
    const server = await cloud.server(id)
    assert.equal(server.image, '')
    const told = await instanceMetadata(cloud.store, 'nova', id)
    assert.deepEqual(told?.disks, { root: '/dev/vda', volumes: ['/dev/vda'], ephemerals: [], swap: null })
    assert.deepEqual(told?.devices, [
      { kind: 'disk', serial: made.volumeId, path: null, bus: 'pci', address: null, tags: ['root'] },
    ])
    await remove(id)
    await isGone(made.volumeId)
  })

  test('made of a snapshot; blank ones beside an image', async () => {
    const origin = await bootable()
    const { snapshot } = await cloud.cinder('POST', '/snapshots', { snapshot: { volume_id: origin } })
    await waitFor(
      'the snapshot',
      async () =>
        (await cloud.cinder('GET', `/snapshots/${snapshot.id}`)).snapshot.status === 'available' ? true : undefined,
      { deadlineMs: 60_000, everyMs: 5 },
    )
    const root = { source_type: 'snapshot', destination_type: 'volume', uuid: snapshot.id, boot_index: 0 }
    const id = await boot({ block_device_mapping_v2: [{ ...root, delete_on_termination: true }] })
    const other = await boot({
      imageRef: cloud.imageId,
      block_device_mapping_v2: [
        { source_type: 'image', destination_type: 'local', uuid: cloud.imageId, boot_index: 0 },
        {
          source_type: 'blank',
          destination_type: 'volume',
          volume_size: 1,
          boot_index: -1,
          delete_on_termination: true,
        },
      ],
    })
    assert.deepEqual(
      disks(other).map(d => [d.kind, d.deviceName]),
      [
        ['image', '/dev/vda'],
        ['volume', '/dev/vdb'],
      ],
    )
    const [blank] = await attachments(other)
    assert.equal((await cloud.cinder('GET', `/volumes/${blank.volumeId}`)).volume.name, `${other}-blank-vol`)
    await remove(id)
    await remove(other)
    await isGone(blank.volumeId)
  })

  test('in the old syntax', async () => {
    const [root, extra] = [await bootable(), await cloud.newVolume()]
    const id = await boot(
      {
        networks: [{ uuid: cloud.networkId }],
        block_device_mapping: [
          { device_name: 'vda', volume_id: root, delete_on_termination: 'False' },
          { device_name: '/dev/vdc', volume_id: extra },
        ],
      },
      { version: '2.1' },
    )
    assert.deepEqual(
      disks(id).map(d => [d.deviceName, d.bootIndex]),
      [
        ['/dev/vda', 0],
        ['/dev/vdc', null],
      ],
    )
    await remove(id)
  })
})

test('ephemeral disks and swap of the flavor, and smaller ones', async () => {
  const flavorRef = await cloud.newFlavor({ name: 'wide', 'OS-FLV-EXT-DATA:ephemeral': 4, swap: 512 })
  const plain = await boot({ imageRef: cloud.imageId, flavorRef })
  assert.deepEqual(disks(plain), [
    { kind: 'image', deviceName: '/dev/vda', size: 1, bootIndex: 0 },
    { kind: 'ephemeral', deviceName: '/dev/vdb', size: 4, bootIndex: null },
    { kind: 'swap', deviceName: '/dev/vdc', size: 512, bootIndex: null },
  ])
  const image = { source_type: 'image', destination_type: 'local', uuid: cloud.imageId, boot_index: 0 }
  const blank = { source_type: 'blank', destination_type: 'local', boot_index: -1 }
  const mapping = (...devices: object[]) => ({
    imageRef: cloud.imageId,
    flavorRef,
    block_device_mapping_v2: [image, ...devices],
  })
  const split = await boot(mapping({ ...blank, volume_size: 3, guest_format: 'ext4' }))
  assert.deepEqual(
    disks(split).map(d => [d.kind, d.size]),
    [
      ['image', 1],
      ['ephemeral', 3],
      ['swap', 512],
    ],
  )
  ;(await create(mapping({ ...blank, volume_size: 5 }))).refuses(
    400,
    /^Ephemeral disks requested are larger than the instance type allows\./,
  )
  const swap = { ...blank, guest_format: 'swap' }
  ;(await create(mapping({ ...swap, volume_size: 513 }))).refuses(
    400,
    'Swap drive requested is larger than instance type allows.',
  )
  ;(await create(mapping({ ...swap, volume_size: 1 }, { ...swap, volume_size: 1 }))).refuses(
    400,
    'Block Device Mapping is Invalid: More than one swap drive requested.',
  )
  ;(
    await create(mapping({ ...blank, volume_size: 1 }, { ...blank, volume_size: 1 }, { ...blank, volume_size: 1 }))
  ).refuses(400, 'Block Device Mapping is Invalid: You specified more local devices than the limit allows')
  await remove(plain)
  await remove(split)
})

describe('refused before anything happens', () => {
  const format = (text: string) => `Block Device Mapping is Invalid: ${text}`
  const sequence = format('Boot sequence for the instance and image/block device mapping combination is not valid.')
  const unknown = newUuid()
  const v2 = (device: object, more: object = {}) => ({ block_device_mapping_v2: [device], ...more })
  const onVolume = { destination_type: 'volume', boot_index: 0 }
  const cases: readonly (readonly [string, () => object, string])[] = [
    ['nothing to boot from', () => ({}), 'Missing imageRef attribute'],
    ['an empty image', () => ({ imageRef: '' }), 'Missing imageRef attribute'],
    [
      'both syntaxes',
      () => ({
        ...v2({ source_type: 'volume', uuid: unknown, ...onVolume }),
        block_device_mapping: [{ volume_id: unknown }],
      }),
      'Using different block_device_mapping syntaxes is not allowed in the same request.',
    ],
    [
      'a blank with an id',
      () => v2({ source_type: 'blank', uuid: unknown, ...onVolume }),
      format('Invalid device UUID.'),
    ],
    ['no id', () => v2({ source_type: 'volume', ...onVolume }), format('Missing device UUID.')],
    [
      'an image that is not the root on the host',
      () =>
        v2(
          { source_type: 'image', uuid: unknown, destination_type: 'local', boot_index: 1 },
          { imageRef: cloud.imageId },
        ),
      format('Mapping image to local is not supported.'),
    ],
    [
      'a type for a local disk',
      () => v2({ source_type: 'blank', destination_type: 'local', volume_type: 'x' }),
      format('Specifying a volume_type with destination_type=local is not supported.'),
    ],
    [
      'a type for a volume that exists',
      () => v2({ source_type: 'volume', uuid: unknown, ...onVolume, volume_type: 'x' }),
      format('Specifying volume type to existing volume is not supported.'),
    ],
    [
      'an unknown volume',
      () => v2({ source_type: 'volume', uuid: unknown, ...onVolume }),
      format(`failed to get volume ${unknown}.`),
    ],
    [
      'an unknown snapshot',
      () => v2({ source_type: 'snapshot', uuid: unknown, ...onVolume }),
      format(`failed to get snapshot ${unknown}.`),
    ],
    [
      'an unknown image',
      () => v2({ source_type: 'image', uuid: unknown, ...onVolume, volume_size: 1 }),
      format(`failed to get image ${unknown}.`),
    ],
    [
      'an image without a size',
      () => v2({ source_type: 'image', uuid: cloud.imageId, ...onVolume }),
      "Images with destination_type 'volume' need to have a non-zero size specified",
    ],
    [
      'no root',
      () =>
        v2(
          { source_type: 'blank', destination_type: 'volume', volume_size: 1, boot_index: -1 },
          { imageRef: cloud.imageId },
        ),
      sequence,
    ],
    ['a gap', () => v2({ source_type: 'blank', destination_type: 'volume', volume_size: 1, boot_index: 1 }), sequence],
    [
      'an unrecognised old device',
      () => ({ block_device_mapping: [{ device_name: 'vdb' }] }),
      format('Unrecognized legacy format.'),
    ],
    [
      'an unknown type',
      () => v2({ source_type: 'image', uuid: cloud.imageId, ...onVolume, volume_size: 1, volume_type: 'gold' }),
      'Volume type gold could not be found.',
    ],
  ]
  for (const [name, fields, message] of cases)
    test(name, async () => {
      ;(await create(fields())).refuses(400, message)
    })

  test('a volume that is not bootable, one that is taken, one for several servers, a shared one before 2.60', async () => {
    const plain = await cloud.newVolume()
    const root = (uuid: string) => v2({ source_type: 'volume', uuid, ...onVolume })
    ;(await create(root(plain))).refuses(400, `Block Device ${plain} is not bootable.`)
    const volumeId = await bootable()
    ;(await create({ ...root(volumeId), min_count: 2 })).refuses(
      400,
      'Cannot attach one or more volumes to multiple instances',
    )
    const id = await boot(root(volumeId))
    ;(await create(root(volumeId))).refuses(
      400,
      /^Invalid volume: Invalid input received: Invalid volume: Volume .* status must be available or downloading to reserve, but the current status is in-use\./,
    )
    await remove(id)
    const [a, b] = [await create(root(volumeId)), await create(root(volumeId))]
    assert.deepEqual([a.status, b.status].sort(), [202, 400])
    const { id: first } = [a, b].find(answer => answer.status === 202)?.body.server ?? {}
    await cloud.waitForStatus(first, 'ACTIVE')
    await remove(first)
  })

  test('a flavor without a disk wants a volume; certificates want an image', async () => {
    const flavorRef = await cloud.newFlavor({ name: 'diskless', disk: 0 })
    ;(await create({ imageRef: cloud.imageId, flavorRef })).refuses(
      403,
      'Only volume-backed servers are allowed for flavors with zero disk.',
    )
    const volumeId = await bootable()
    const root = v2({ source_type: 'volume', uuid: volumeId, ...onVolume })
    ;(await create({ ...root, trusted_image_certificates: ['c'] }, { as: cloud.admin })).expect(400)
    const id = await boot({ ...root, flavorRef })
    await remove(id)
  })

  test('by policy and by version', async () => {
    const volumeId = await bootable()
    const root = v2({ source_type: 'volume', uuid: volumeId, ...onVolume })
    ;(await create(root, { as: cloud.reader })).expect(403)
    ;(await create(v2({ source_type: 'volume', uuid: volumeId, ...onVolume, tag: 't' }), { version: '2.31' })).expect(
      400,
    )
    ;(
      await create(v2({ source_type: 'volume', uuid: volumeId, ...onVolume, volume_type: 't' }), { version: '2.66' })
    ).expect(400)
    assert.equal(await statusOf(volumeId), 'available')
  })
})

test('a build that fails gives the volumes back and leaves none of its own', async () => {
  const volumeId = await bootable()
  const before = (await cloud.cinder('GET', '/volumes')).volumes.length
  cloud.driver.failNext('spawn', HypervisorError({ operation: 'spawn', reason: 'no' }))
  const { id } = (
    await create({
      block_device_mapping_v2: [
        { source_type: 'volume', uuid: volumeId, destination_type: 'volume', boot_index: 0 },
        { source_type: 'blank', destination_type: 'volume', volume_size: 1 },
      ],
    })
  ).expect(202).body.server
  const server = await cloud.waitForStatus(id, 'ERROR')
  assert.deepEqual(server['os-extended-volumes:volumes_attached'], [])
  await cloud.volumeIs(volumeId, 'available')
  await waitFor(
    'the blank one to be gone',
    async () => ((await cloud.cinder('GET', '/volumes')).volumes.length === before ? true : undefined),
    { deadlineMs: 60_000, everyMs: 5 },
  )
  await remove(id)
})

test('more volumes than the project may have: the server says so', async () => {
  const path = `/os-quota-sets/${cloud.member.projectId}`
  const { volumes } = await cloud.cinder('GET', '/volumes')
  await cloud.cinder('PUT', path, { quota_set: { volumes: volumes.length } }, cloud.admin)
  const root = { source_type: 'image', uuid: cloud.imageId, destination_type: 'volume', boot_index: 0, volume_size: 1 }
  const { id } = (await create({ block_device_mapping_v2: [root] })).expect(202).body.server
  const server = await cloud.waitForStatus(id, 'ERROR')
  assert.match(server.fault.message, /quota|allowed/i)
  await moreVolumes(cloud)
  await remove(id)
})
