import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { offsetOf } from '../offsets.ts'
import { HostsCloud, shell } from './hosts.ts'
import { TenantServer } from './tenant-server.ts'

/** Real guests on three hosts of this machine: two share their storage, the third has its own. */

const [one, two, alone] = [0, 1, 2] as const

describe('moves of real guests', { concurrency: false }, () => {
  const cloud = new HostsCloud({
    offset: offsetOf('guests/moves'),
    count: 3,
    sharing: [one, two],
    // A copy away from this host takes long enough to be met half way, and may be made to go on at the target.
    libvirt: { [two]: 'live_migration_bandwidth = 6\nlive_migration_permit_post_copy = true' },
  })
  let server: TenantServer
  let id = ''
  let address = ''
  let flavors: Readonly<Record<string, string>> = {}
  before(async () => {
    await cloud.start()
    const { networks } = await cloud.call('GET', '/networks?name=private', undefined, 'network')
    server = await TenantServer.open(cloud, networks[0].id)
    flavors = await makeFlavors(cloud)
  })
  after(async () => {
    await server?.close()
    await cloud.close()
  })

  const shown = async () => (await cloud.call('GET', `/servers/${id}`)).server
  const hostOf = async (): Promise<string> => (await shown())['OS-EXT-SRV-ATTR:host']
  const ssh = (command: string) => cloud.ssh(address, command)
  const reachable = () =>
    waitFor('ssh', async () => ((await ssh('true').catch(() => undefined)) === undefined ? undefined : true), {
      deadlineMs: 120_000,
      everyMs: 500,
    })
  /** The guest runs on that host and nowhere else, and its files and ports are there. */
  const mustLiveOn = async (number: number) => {
    const host = cloud.host(number)
    assert.equal(await hostOf(), host.name)
    for (const other of cloud.hosts) {
      assert.equal(other.qemusOf(id).length, other === host ? 1 : 0, `QEMU on ${other.name}`)
      const files = readdirSync(other.instancesPath).filter(name => name.startsWith(id))
      const isShared = other.instancesPath === host.instancesPath
      assert.deepEqual(files, isShared ? [id] : [], `files on ${other.name}`)
    }
    const { ports } = await cloud.call('GET', `/ports?device_id=${id}`, undefined, 'network')
    assert.deepEqual(
      ports.map((port: Record<string, unknown>) => [port['binding:host_id'], port['status']]),
      [[host.name, 'ACTIVE']],
    )
  }
  const liveMigrate = async (number: number, block: boolean | 'auto') => {
    await cloud.act(id, { 'os-migrateLive': { host: cloud.host(number).name, block_migration: block } })
    await cloud.settled(id, 'ACTIVE')
  }
  const readVolume = () => ssh('sudo dd if=/dev/vdb bs=13 count=1 2>/dev/null')
  const attachVolume = async () => {
    const made = await cloud.call('POST', '/volumes', { volume: { size: 1, name: 'moves along' } }, 'volume')
    const volumeId = made.volume.id as string
    const isThere = async () =>
      (await cloud.call('GET', `/volumes/${volumeId}`, undefined, 'volume')).volume.status === 'available' || undefined
    await waitFor('the volume', isThere, { deadlineMs: 30_000 })
    await cloud.call('POST', `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId } })
  }
  const newestMigration = async () => (await cloud.call('GET', `/os-migrations?instance_uuid=${id}`)).migrations[0]

  test('a guest on the third host speaks to a server on its network', async () => {
    const { images } = await cloud.call('GET', '/images?name=debian-stock', undefined, 'image')
    const made = await cloud.call('POST', '/servers', {
      server: {
        name: 'mover',
        imageRef: images[0].id,
        flavorRef: flavors['small'],
        key_name: 'first',
        config_drive: true,
        availability_zone: `nova:${cloud.host(alone).name}`,
        networks: [{ uuid: server.networkId }],
      },
    })
    id = made.server.id
    const active = await cloud.settled(id, 'ACTIVE')
    address = active.addresses['private'][0].addr
    await server.plug()
    await reachable()
    await mustLiveOn(alone)
    await ssh('echo kept > kept && sync')
    await attachVolume()
    await waitFor(
      'the volume in the guest',
      async () => ((await ssh('ls /dev/vdb').catch(() => '')) ? true : undefined),
      {
        deadlineMs: 30_000,
      },
    )
    await ssh('echo on the volume | sudo dd of=/dev/vdb conv=fsync 2>/dev/null')
    // A counter in memory, told over one connection for as long as it lasts.
    const count = 'i=0; while :; do i=$((i+1)); echo $i > /tmp/counter; echo $i; sleep 0.2; done'
    await ssh(`(${count}) 2>/dev/null | nc ${server.address} ${server.port} >/dev/null 2>&1 &`)
    await server.whenHeard(3)
  })

  test('live, with its disk, to a host with other storage: the connection stays', async () => {
    await liveMigrate(one, 'auto')
    await mustLiveOn(one)
    const before = server.heard
    await server.whenHeard(before + 5)
    assert.equal(server.connections, 1)
    assert.equal(await ssh('cat kept'), 'kept')
    assert.equal(await readVolume(), 'on the volume')
    assert.equal((await newestMigration()).status, 'completed')
  })

  test('live on shared storage: nothing is copied but memory; block migration is refused there', async () => {
    await cloud.act(id, { 'os-migrateLive': { host: cloud.host(two).name, block_migration: true } })
    await waitFor('the refusal', async () => ((await newestMigration()).status === 'error' ? true : undefined), {
      deadlineMs: 60_000,
    })
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(one)
    await liveMigrate(two, false)
    await mustLiveOn(two)
    const before = server.heard
    await server.whenHeard(before + 5)
    assert.equal(server.connections, 1)
  })

  const begun = async () => {
    await cloud.act(id, { 'os-migrateLive': { host: cloud.host(one).name, block_migration: 'auto' } })
    return waitFor(
      'a running copy',
      async () => {
        const { migrations } = await cloud.call('GET', `/servers/${id}/migrations`)
        const [copy] = migrations
        return copy?.status === 'running' && copy.memory_processed_bytes > 0 ? copy : undefined
      },
      { deadlineMs: 60_000, everyMs: 50 },
    )
  }
  /** Writes all the time, and reads whether what it wrote is there. */
  const keepBusy = () => {
    const same = '[ "$(md5sum < /tmp/a)" = "$(md5sum < /tmp/b)" ]'
    const copy = `head -c 500000 /dev/urandom > /tmp/a; cp /tmp/a /tmp/b; ${same} || echo torn > /tmp/torn`
    return ssh(`(while [ ! -e /tmp/enough ]; do ${copy}; done) >/dev/null 2>&1 &`)
  }
  /** What the guest's QEMU is told while it sends. */
  const tellQemu = (number: number, execute: string, args: Readonly<Record<string, unknown>>) => {
    const { socketPath } = cloud.host(number).machine.daemon
    const command = JSON.stringify({ execute, arguments: args })
    return shell('virsh', '-c', `qemu+unix:///system?socket=${socketPath}`, 'qemu-monitor-command', id, command)
  }

  test('a copy that is aborted leaves the guest where it was, however busy it is', async () => {
    await keepBusy()
    const aborted = await begun()
    const further = async () => {
      const { migration } = await cloud.call('GET', `/servers/${id}/migrations/${aborted.id}`)
      return migration.memory_remaining_bytes < aborted.memory_remaining_bytes ? migration : undefined
    }
    await waitFor('the copy to go on', further, { deadlineMs: 30_000, everyMs: 50 })
    await cloud.call('DELETE', `/servers/${id}/migrations/${aborted.id}`)
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(two)
    assert.equal((await newestMigration()).status, 'cancelled')
    const before = server.heard
    await server.whenHeard(before + 3)
  })

  test('one that is forced goes on at the target, and is found there while the rest of its memory follows', async () => {
    const forced = await begun()
    await tellQemu(two, 'migrate-set-parameters', { 'max-postcopy-bandwidth': 1024 ** 2 })
    await cloud.call('POST', `/servers/${id}/migrations/${forced.id}/action`, { force_complete: null })
    const isThere = async () => ((await newestMigration()).status === 'running (post-copy)' ? true : undefined)
    await waitFor('the guest to go on at the target', isThere, { deadlineMs: 30_000, everyMs: 50 })
    const boundTo = async () => {
      const { ports } = await cloud.call('GET', `/ports?device_id=${id}`, undefined, 'network')
      return ports[0]['binding:host_id'] === cloud.host(one).name ? true : undefined
    }
    await waitFor('the port to follow', boundTo, { deadlineMs: 30_000, everyMs: 50 })
    assert.equal(await hostOf(), cloud.host(two).name)
    await tellQemu(two, 'migrate-set-parameters', { 'max-postcopy-bandwidth': 0 })
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(one)
    const before = server.heard
    await server.whenHeard(before + 3)
    assert.equal(server.connections, 1)
    await ssh('touch /tmp/enough')
    assert.equal(await ssh('cat /tmp/torn 2>/dev/null || echo whole'), 'whole')
  })

  test('kill -9 of both hosts’ nova-computes in the middle of a copy: the guest is in one place', async () => {
    await liveMigrate(two, 'auto')
    await cloud.act(id, { pause: null })
    await cloud.settled(id, 'PAUSED')
    await begun()
    const both = [cloud.host(two), cloud.host(one)]
    await Promise.all(both.map(host => host.kill()))
    await Promise.all(both.map(host => host.start()))
    await cloud.settled(id, 'PAUSED')
    await mustLiveOn(cloud.hosts.findIndex(host => host.qemusOf(id).length > 0))
    const before = server.heard
    await cloud.act(id, { unpause: null })
    await server.whenHeard(before + 3)
    assert.equal(server.connections, 1)
    await cloud.settled(id, 'ACTIVE')
    await liveMigrate(alone, 'auto')
  })

  test('resized onto another host and taken back, resized on its own and kept', async () => {
    await only(cloud, one)
    await cloud.act(id, { resize: { flavorRef: flavors['large'] } })
    await cloud.settled(id, 'VERIFY_RESIZE')
    assert.equal(await hostOf(), cloud.host(one).name)
    assert.deepEqual(
      readdirSync(cloud.host(alone).instancesPath).filter(name => name.startsWith(id)),
      [`${id}_resize`],
    )
    await reachable()
    assert.match(await ssh('cat kept; nproc; cat /proc/meminfo'), /^kept\n2\nMemTotal: +1[3-6]\d{4} kB/)
    await cloud.act(id, { revertResize: null })
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(alone)
    await only(cloud, alone)
    await cloud.act(id, { resize: { flavorRef: flavors['large'] } })
    await cloud.settled(id, 'VERIFY_RESIZE')
    await reachable()
    assert.match(await ssh('cat kept; nproc; cat /proc/meminfo'), /^kept\n2\nMemTotal: +1[3-6]\d{4} kB/)
    await cloud.act(id, { confirmResize: null })
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(alone)
    await only(cloud, one, two, alone)
  })

  test('cold migrated while it is off; its disk has grown with its flavor', async () => {
    await cloud.act(id, { 'os-stop': null })
    await cloud.settled(id, 'SHUTOFF')
    await cloud.act(id, { migrate: { host: cloud.host(one).name } })
    await cloud.settled(id, 'VERIFY_RESIZE')
    await cloud.act(id, { confirmResize: null })
    await cloud.settled(id, 'SHUTOFF')
    await cloud.act(id, { 'os-start': null })
    await cloud.settled(id, 'ACTIVE')
    await mustLiveOn(one)
    await reachable()
    assert.equal(await ssh('cat kept; cat /sys/block/vda/size'), `kept\n${(2 * 1024 ** 3) / 512}`)
    assert.equal(await readVolume(), 'on the volume')
  })

  test('evacuated on shared storage with its disk, but not while it still runs; the dead host takes nothing with it', async () => {
    const [dead, other] = [cloud.host(one), cloud.host(two)]
    await dead.kill()
    await forceDown(cloud, one, true)
    await cloud.act(id, { evacuate: { host: other.name } })
    await cloud.settled(id, 'ERROR')
    assert.equal(dead.qemusOf(id).length, 1, 'the guest runs on, unseen')
    await cloud.machines.powerOff(dead.machine)
    await cloud.act(id, { evacuate: { host: other.name } })
    // From 2.95 on they stay off, but those in error.
    await waitFor('the server', async () => ((await shown()).status === 'ACTIVE' ? true : undefined), {
      deadlineMs: 120_000,
    })
    await reachable()
    assert.equal(await ssh('cat kept'), 'kept')
    await cloud.machines.powerOn(dead.machine)
    assert.ok(dead.defines(id))
    await dead.start()
    await waitFor('the record', async () => ((await newestMigration()).status === 'completed' ? true : undefined), {
      deadlineMs: 60_000,
    })
    await forceDown(cloud, one, false)
    assert.ok(!dead.defines(id))
    await mustLiveOn(two)
    assert.equal(await ssh('cat kept'), 'kept')
  })

  test('evacuated to other storage it is made anew from its image, and stays off until it is started', async () => {
    await cloud.host(two).kill()
    // Its volume is locked as long as the guest runs there.
    await cloud.machines.powerOff(cloud.host(two).machine)
    await forceDown(cloud, two, true)
    await cloud.act(id, { evacuate: { host: cloud.host(alone).name } })
    await cloud.settled(id, 'SHUTOFF')
    assert.ok(!existsSync(join(cloud.host(alone).instancesPath, id, 'console.log')), 'it was never booted')
    await cloud.act(id, { 'os-start': null })
    await cloud.settled(id, 'ACTIVE')
    await reachable()
    assert.equal(await ssh('cat kept || echo new'), 'new')
    await cloud.machines.powerOn(cloud.host(two).machine)
    await cloud.host(two).start()
    await waitFor('the record', async () => ((await newestMigration()).status === 'completed' ? true : undefined), {
      deadlineMs: 60_000,
    })
    await forceDown(cloud, two, false)
    assert.ok(!cloud.host(two).has(id))
    await mustLiveOn(alone)
    assert.ok(!cloud.host(two).defines(id))
  })

  test('deleted it leaves nothing on any host', async () => {
    await cloud.call('DELETE', `/servers/${id}`)
    await waitFor(
      'the server to go',
      () =>
        cloud.call('GET', `/servers/${id}`).then(
          () => undefined,
          () => true,
        ),
      { deadlineMs: 60_000 },
    )
    for (const host of cloud.hosts) {
      assert.deepEqual(
        readdirSync(host.instancesPath).filter(name => name.startsWith(id)),
        [],
      )
      assert.deepEqual(host.qemusOf(id), [])
    }
  })
})

async function makeFlavors(cloud: HostsCloud): Promise<Record<string, string>> {
  const make = async (name: string, ram: number, vcpus: number, disk: number) =>
    (await cloud.call('POST', '/flavors', { flavor: { name: `moves.${name}`, ram, vcpus, disk } })).flavor.id as string
  return { small: await make('small', 112, 1, 1), large: await make('large', 176, 2, 2) }
}

const serviceOf = async (cloud: HostsCloud, number: number): Promise<string> => {
  const { name } = cloud.host(number)
  return (await cloud.call('GET', `/os-services?binary=nova-compute&host=${name}`)).services[0].id
}

/** The scheduler has only these hosts to choose from. */
async function only(cloud: HostsCloud, ...numbers: readonly number[]): Promise<void> {
  for (const number of cloud.hosts.keys()) {
    const status = numbers.includes(number) ? 'enabled' : 'disabled'
    await cloud.call('PUT', `/os-services/${await serviceOf(cloud, number)}`, { status })
  }
}

async function forceDown(cloud: HostsCloud, number: number, isDown: boolean): Promise<void> {
  await cloud.call('PUT', `/os-services/${await serviceOf(cloud, number)}`, { forced_down: isDown })
}
