import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { waitFor } from '#base'
import type { TestCloud } from './cloud.ts'
import type { CloudApi, Server } from './cloud-api.ts'

/** Volumes as guests see them: data that moves with them, sizes, names; one guest after the other, many looks at each. */

/** More than the header and the keys of an encrypted volume. */
function headOf(path: string): string {
  const [file, head] = [openSync(path, 'r'), Buffer.alloc(4 * 1024 * 1024)]
  readSync(file, head, 0, head.length, 0)
  closeSync(file)
  return head.toString('latin1')
}

export function volumeTests(cloud: TestCloud): void {
  let api: CloudApi
  let first: Server
  /** Made in the first test, and with its data in all others. */
  let data = ''

  before(async () => {
    api = await cloud.api()
    first = await api.whenActive((await cloud.server('first')).id)
    await cloud.whenConsole(first.id, 'guest: ready')
  })

  const addressOf = ({ addresses }: Server): string => Object.values(addresses).flat()[0]?.addr ?? ''
  const ssh = (at: Server, command: string) => cloud.ssh(addressOf(at), command)
  const root = (at: Server, command: string) => ssh(at, `sudo sh -c '${command}'`)

  const attach = async (at: Server, volumeId: string, more: Record<string, unknown> = {}) => {
    const path = `/servers/${at.id}/os-volume_attachments`
    await api.call('compute', 'POST', path, { volumeAttachment: { volumeId, ...more } })
    await api.whenVolume(volumeId, 'in-use')
  }
  const detach = async (at: Server, volumeId: string) => {
    await api.call('compute', 'DELETE', `/servers/${at.id}/os-volume_attachments/${volumeId}`)
    await api.whenVolume(volumeId, 'available')
  }

  /** Name of the disk in the guest with this volume, by the serial number; virtio shows the first 20 characters. */
  const findDisk = (at: Server, volumeId: string) =>
    ssh(at, `for d in /sys/block/vd*; do [ "$(cat $d/serial)" = ${volumeId.slice(0, 20)} ] && echo $d; done; true`)
  const diskOf = (at: Server, volumeId: string): Promise<string> =>
    waitFor(
      `volume ${volumeId} in the guest`,
      async () => {
        const path = await findDisk(at, volumeId)
        return path === '' ? undefined : path.replace('/sys/block/', '/dev/')
      },
      { deadlineMs: 30_000, everyMs: 300 },
    )

  const whenSectors = (at: Server, disk: string, gib: number) =>
    waitFor(
      `${disk} to have ${gib} GiB`,
      async () => {
        const sectors = await ssh(at, `cat /sys/block/${disk.replace('/dev/', '')}/size`)
        return Number(sectors) === gib * 2 * 1024 ** 2 ? true : undefined
      },
      { deadlineMs: 30_000, everyMs: 300 },
    )

  const image = async () => {
    const { images } = await api.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
    return images[0]?.id ?? ''
  }

  const flavor = async (more: Record<string, unknown>): Promise<string> => {
    const wish = { flavor: { ram: 64, vcpus: 1, disk: 1, ...more } }
    return (await api.call<{ flavor: { id: string } }>('compute', 'POST', '/flavors', wish)).flavor.id
  }

  async function boot(name: string, more: Record<string, unknown>): Promise<Server> {
    const { networks } = await api.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
    const wish = { name, networks: [{ uuid: networks[0]?.id }], key_name: 'first', ...more }
    const { server: made } = await api.call<{ server: Server }>('compute', 'POST', '/servers', { server: wish })
    const active = await api.whenActive(made.id)
    await cloud.whenConsole(active.id, 'guest: ready')
    return active
  }

  async function remove({ id }: Server): Promise<void> {
    await api.call('compute', 'DELETE', `/servers/${id}`)
    await waitFor('the server to be gone', () => api.isGone('compute', `/servers/${id}`), {
      deadlineMs: 60_000,
      everyMs: 100,
    })
    assert.equal(existsSync(join(cloud.stateDir, 'instances', id)), false)
  }

  /** One volume in two guests at once. */
  async function shareVolume(other: Server): Promise<void> {
    const shared = await api.makeVolume(1, { name: 'shared', multiattach: true })
    for (const at of [first, other]) await attach(at, shared)
    const [mine, theirs] = [await diskOf(first, shared), await diskOf(other, shared)]
    await root(first, `printf from-the-first > ${mine}; sync`)
    assert.equal(await root(other, `head -c 14 ${theirs}`), 'from-the-first')
    for (const at of [first, other]) {
      const path = `/servers/${at.id}/os-volume_attachments/${shared}`
      await api.call('compute', 'DELETE', path)
      // Cinder lets one after the other go.
      await waitFor('the attachment to be gone', () => api.isGone('compute', path), {
        deadlineMs: 60_000,
        everyMs: 100,
      })
    }
    await api.whenVolume(shared, 'available')
  }

  test('a volume that is attached while the guest runs can be written, and grows under it', async () => {
    data = await api.makeVolume(1, { name: 'data' })
    await attach(first, data)
    const disk = await diskOf(first, data)
    await root(
      first,
      `mkfs.ext4 -q ${disk} && mkdir -p /mnt/d && mount ${disk} /mnt/d && echo kept > /mnt/d/file && sync`,
    )
    const extend = { 'os-extend': { new_size: 2 } }
    await api.call('volumev3', 'POST', `/volumes/${data}/action`, extend)
    await whenSectors(first, disk, 2)
    await api.whenVolume(data, 'in-use')
    assert.equal((await api.volume(data)).size, 2)
  })

  test('one takes the place of another with all its data, while the guest has it mounted', async () => {
    const other = await api.makeVolume(2, { name: 'other' })
    await api.call('compute', 'PUT', `/servers/${first.id}/os-volume_attachments/${data}`, {
      volumeAttachment: { volumeId: other },
    })
    await api.whenVolume(data, 'available')
    await api.whenVolume(other, 'in-use')
    assert.equal(
      await root(first, 'echo 3 > /proc/sys/vm/drop_caches; cat /mnt/d/file; echo more >> /mnt/d/file'),
      'kept',
    )
    await api.call('volumev3', 'DELETE', `/volumes/${data}`)
    data = other
  })

  test('a volume that is taken away is gone from the guest', async () => {
    await root(first, 'umount /mnt/d')
    await detach(first, data)
    assert.equal(await ssh(first, 'ls -d /sys/block/vd*'), '/sys/block/vda')
  })

  test('an encrypted volume is plain in the guest, and nowhere else', async () => {
    const type = { volume_type: { name: 'secret' } }
    const { volume_type } = await api.call<{ volume_type: { id: string } }>('volumev3', 'POST', '/types', type)
    const luks = { provider: 'luks', cipher: 'aes-xts-plain64', key_size: 256, control_location: 'front-end' }
    await api.call('volumev3', 'POST', `/types/${volume_type.id}/encryption`, { encryption: luks })
    const secret = await api.makeVolume(1, { name: 'secret', volume_type: 'secret' })
    await attach(first, secret)
    const disk = await diskOf(first, secret)
    await root(first, `printf plain-text-of-the-guest > ${disk}; sync`)
    assert.equal(await root(first, `head -c 23 ${disk}`), 'plain-text-of-the-guest')
    const folder = join(cloud.stateDir, 'volumes')
    const heads = readdirSync(folder).map(name => headOf(join(folder, name)))
    assert.equal(heads.filter(head => head.startsWith('LUKS')).length, 1)
    assert.ok(!heads.some(head => head.includes('plain-text-of-the-guest')))
    await detach(first, secret)
    await api.call('volumev3', 'DELETE', `/volumes/${secret}`)
  })

  test('a guest boots from a volume, with others, an ephemeral and a swap disk, each under its tag', async () => {
    const rootDisk = { boot_index: 0, source_type: 'image', uuid: await image(), destination_type: 'volume' }
    const mapping = [
      { ...rootDisk, volume_size: 1, delete_on_termination: false, tag: 'system' },
      { boot_index: -1, source_type: 'volume', uuid: data, destination_type: 'volume', tag: 'data' },
      { boot_index: -1, source_type: 'blank', destination_type: 'local', volume_size: 1, guest_format: 'ext3' },
      { boot_index: -1, source_type: 'blank', destination_type: 'local', volume_size: 1 },
    ]
    const flavorRef = await flavor({ name: 'v1.full', 'OS-FLV-EXT-DATA:ephemeral': 2, swap: 16 })
    const made = await boot('onvolume', { flavorRef, block_device_mapping_v2: mapping })
    const { volumeAttachments } = await api.call<{ volumeAttachments: { volumeId: string }[] }>(
      'compute',
      'GET',
      `/servers/${made.id}/os-volume_attachments`,
    )
    const system = volumeAttachments.map(a => a.volumeId).find(id => id !== data) ?? ''
    assert.equal(await diskOf(made, system), '/dev/vda')
    const disk = await diskOf(made, data)
    assert.equal(await root(made, `mkdir -p /mnt/d && mount ${disk} /mnt/d && cat /mnt/d/file`), 'kept\nmore')
    const labels = await root(made, 'blkid')
    assert.match(labels, /LABEL="ephemeral0"[^\n]*TYPE="ext3"/)
    assert.match(labels, /LABEL="ephemeral1"[^\n]*TYPE="ext4"/)
    assert.match(labels, /TYPE="swap"/)
    const documents = await ssh(made, 'wget -qO- http://169.254.169.254/openstack/latest/meta_data.json')
    const { devices } = JSON.parse(documents) as { devices: { tags: string[]; serial: string }[] }
    const tagged = devices.filter(device => device.serial !== undefined).map(({ serial, tags }) => [serial, ...tags])
    assert.deepEqual(
      tagged.toSorted(),
      [
        [system, 'system'],
        [data, 'data'],
      ].toSorted(),
    )
    await shareVolume(made)
    await root(made, 'umount /mnt/d; echo here > /root/mark; sync')
    await remove(made)
    await api.whenVolume(data, 'available')

    const again = { boot_index: 0, source_type: 'volume', uuid: system, destination_type: 'volume' }
    const plain = await flavor({ name: 'v1.plain', disk: 0 })
    const second = await boot('again', {
      flavorRef: plain,
      block_device_mapping_v2: [{ ...again, delete_on_termination: true }],
    })
    assert.equal(await root(second, 'cat /root/mark'), 'here')
    await remove(second)
    await waitFor('the volume to be gone', () => api.isGone('volumev3', `/volumes/${system}`), { deadlineMs: 30_000 })
    assert.deepEqual(
      readdirSync(join(cloud.stateDir, 'instances')).filter(name => name.length === 36),
      [first.id],
    )
  })
}
