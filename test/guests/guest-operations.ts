import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { sshByPassword, type TestCloud } from './cloud.ts'
import type { CloudApi, Server } from './cloud-api.ts'

/** What is done to one guest, with the fact looked at inside of it: its memory, its disks, its passwords. */

export function guestOperationTests(cloud: TestCloud): void {
  const conf = join(tmpdir(), `nova-guest-operations-${process.pid}.conf`)
  let api: CloudApi
  let guest: Server

  before(async () => {
    // Deleted servers can come back.
    writeFileSync(conf, '[DEFAULT]\nreclaim_instance_interval = 3600\n')
    await cloud.stop('SIGINT')
    await cloud.start('--config-file', conf)
    api = await cloud.api()
    const image = (await cloud.server('first')).image.id
    const wish = { flavor: { name: 'o1.guest', ram: 128, vcpus: 1, disk: 1, 'OS-FLV-EXT-DATA:ephemeral': 1 } }
    const { flavor } = await api.call<{ flavor: { id: string } }>('compute', 'POST', '/flavors', wish)
    const { networks } = await api.call<{ networks: { id: string }[] }>('network', 'GET', '/v2.0/networks?name=private')
    const body = { name: 'subject', networks: [{ uuid: networks[0]?.id }], key_name: 'first', config_drive: true }
    const server = { ...body, imageRef: image, flavorRef: flavor.id }
    const made = await api.call<{ server: { id: string } }>('compute', 'POST', '/servers', { server })
    guest = await when('ACTIVE', made.server.id)
    await cloud.whenConsole(guest.id, 'guest: ready')
  })
  after(() => rmSync(conf, { force: true }))

  const server = async (id = guest.id) =>
    (await api.call<{ server: Server }>('compute', 'GET', `/servers/${id}`)).server

  function when(status: string, id = guest.id): Promise<Server> {
    const isSo = async () => {
      const found = await server(id)
      if (found.status === 'ERROR') throw new Error(found.fault?.message)
      return found.status === status && found['OS-EXT-STS:task_state'] === null ? found : undefined
    }
    return waitFor(`server ${id} to be ${status}`, isSo, { deadlineMs: 180_000, everyMs: 200 })
  }

  const act = <T>(action: string, body: unknown = null, id = guest.id): Promise<T> =>
    api.call<T>('compute', 'POST', `/servers/${id}/action`, { [action]: body })
  const address = (): string => Object.values(guest.addresses).flat()[0]?.addr ?? ''
  const root = (command: string): Promise<string> => cloud.ssh(address(), `sudo sh -c '${command}'`)
  const booted = () => cloud.whenConsole(guest.id, 'guest: ready')
  const folder = () => join(cloud.stateDir, 'instances', guest.id)
  const diagnostics = () => api.call<Record<string, unknown>>('compute', 'GET', `/servers/${guest.id}/diagnostics`)

  /** A number that only this boot of the guest knows, and that grows as long as it runs. */
  const startCounting = () =>
    root('(i=0; while :; do i=$((i+1)); echo $i > /run/count; sleep 0.2; done) > /dev/null 2>&1 &')
  const count = async () => Number(await root('cat /run/count'))
  const goesOnFrom = (before: number) =>
    waitFor('the count to go on', async () => ((await count()) > before ? true : undefined), { deadlineMs: 30_000 })

  test('what lies in its memory is there after a pause, and time stood still', async () => {
    await startCounting()
    await waitFor('the count', async () => ((await count()) > 0 ? true : undefined), { deadlineMs: 30_000 })
    const before = await count()
    await act('pause')
    assert.equal((await when('PAUSED'))['OS-EXT-STS:power_state'], 3)
    await assert.rejects(diagnostics(), /409 .*while it is in power state paused/)
    await act('unpause')
    await when('ACTIVE')
    await goesOnFrom(before)
  })

  test('and after a suspend, with the control plane killed while it sleeps; its clock is right again', async () => {
    const before = await count()
    await act('suspend')
    assert.equal((await when('SUSPENDED'))['OS-EXT-STS:power_state'], 4)
    await assert.rejects(act('pause'), /409 .*while it is in vm_state suspended/)
    await cloud.stop('SIGKILL')
    await cloud.start('--config-file', conf)
    api = await cloud.api()
    assert.equal((await server()).status, 'SUSPENDED')
    await act('resume')
    await when('ACTIVE')
    await goesOnFrom(before)
    const lagSeconds = Math.abs(Number(await root('date +%s')) - Date.now() / 1000)
    assert.ok(lagSeconds < 30, `the clock of the guest is ${lagSeconds} s off`)
  })

  test('what it tells: diagnostics, the console, an interrupt', async () => {
    const told = await diagnostics()
    assert.equal(told['state'], 'running')
    assert.equal(told['driver'], 'libvirt')
    assert.equal(told['config_drive'], true)
    assert.equal(told['num_disks'], 3)
    assert.equal(told['num_nics'], 1)
    await act('trigger_crash_dump')
    await cloud.whenConsole(guest.id, 'NMI received')
    const { output } = await act<{ output: string }>('os-getConsoleOutput', { length: 5 })
    assert.match(output, /NMI received/)
  })

  test('a password set from outside opens it, the one before does not', async () => {
    await act('changePassword', { adminPass: 'first secret' })
    assert.equal(await sshByPassword(address(), 'first secret', 'id -un'), 'cirros')
    await act('changePassword', { adminPass: 'second secret' })
    assert.equal(await sshByPassword(address(), 'second secret', 'id -un'), 'cirros')
    await assert.rejects(sshByPassword(address(), 'first secret', 'id -un'))
    assert.ok(!cloud.log().includes('second secret'))
    await root('kill -STOP $(pidof qemu-ga)')
    await assert.rejects(act('changePassword', { adminPass: 'third secret' }), /501 .*Unable to set password/)
    await root('kill -CONT $(pidof qemu-ga)')
    await act('changePassword', { adminPass: 'fourth secret' })
    assert.equal(await sshByPassword(address(), 'fourth secret', 'id -un'), 'cirros')
  })

  test('in a rescue its disk is the second one, and what is mended there is mended', async () => {
    await root('echo broken > /root/state; sync')
    const { adminPass } = await act<{ adminPass: string }>('rescue')
    await when('RESCUE')
    await booted()
    assert.match(cloud.consoleLog(guest.id), /guest: boot-count 1/)
    assert.equal(await sshByPassword(address(), adminPass, 'hostname'), 'subject')
    assert.equal(await root('mount /dev/vdb2 /mnt && cat /mnt/root/state'), 'broken')
    assert.match(await root('blkid /dev/vdc'), /LABEL="ephemeral0"/)
    await root('echo mended > /mnt/root/state && umount /mnt')
    await assert.rejects(act('pause'), /409 .*while it is in vm_state rescued/)
    await act('unrescue')
    await when('ACTIVE')
    await booted()
    assert.equal(await root('cat /root/state'), 'mended')
    await assert.rejects(sshByPassword(address(), adminPass, 'hostname'))
    assert.deepEqual(
      readdirSync(folder()).filter(name => name.includes('rescue')),
      [],
    )
  })

  test('a rebuild makes it anew at the same address, and keeps what shall be kept', async () => {
    await root('mount /dev/vdb /mnt && echo kept > /mnt/file && umount /mnt && sync')
    const { server: rebuilt } = await act<{ server: { adminPass: string } }>('rebuild', {
      imageRef: guest.image.id,
      preserve_ephemeral: true,
    })
    const after = await when('ACTIVE')
    assert.deepEqual(after.addresses, guest.addresses)
    await booted()
    assert.match(cloud.consoleLog(guest.id), /guest: boot-count 1/)
    assert.equal(await root('ls /root'), '')
    assert.equal(await root('mount /dev/vdb /mnt && cat /mnt/file && umount /mnt'), 'kept')
    assert.equal(await sshByPassword(address(), rebuilt.adminPass, 'id -un'), 'cirros')
  })

  test('deleted it is off, restored it runs again with all it had; deleted for good it is gone', async () => {
    await root('echo here > /root/file; sync')
    await api.call('compute', 'DELETE', `/servers/${guest.id}`)
    assert.equal((await when('SOFT_DELETED'))['OS-EXT-STS:power_state'], 4)
    await act('restore')
    await when('ACTIVE')
    await booted()
    assert.equal(await root('cat /root/file'), 'here')
    await act('suspend')
    await when('SUSPENDED')
    await act('forceDelete')
    await waitFor('the server to be gone', () => api.isGone('compute', `/servers/${guest.id}`), {
      deadlineMs: 60_000,
      everyMs: 100,
    })
    assert.equal(existsSync(folder()), false)
    assert.deepEqual(readdirSync(join(cloud.stateDir, 'libvirt/lib/qemu/save')), [])
  })
}
