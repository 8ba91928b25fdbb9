import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { portsAt } from '../../src/allinone/ports.ts'
import { offsetOf } from '../offsets.ts'
import { lines, pings, removeLeftovers, TestCloud } from './cloud.ts'
import { CloudApi } from './cloud-api.ts'
import { Tenant } from './tenant.ts'

/** The commands for which this project exists, on real guests, with Debian's client. */

const address = (server: { addresses: Record<string, string[]> }): string =>
  Object.values(server.addresses)[0]?.[0] ?? ''

describe('a cloud with real guests', { concurrency: false }, () => {
  const cloud = new TestCloud(offsetOf('guests/first-commands'))
  const namespaces = async () =>
    (await lines('ip', 'netns', 'list')).flatMap(line => /^q(?:router|dhcp)-\S+/.exec(line)?.[0] ?? [])
  let others: readonly string[] = []
  before(async () => {
    await removeLeftovers()
    others = await namespaces()
    await cloud.start()
  })
  after(async () => {
    await cloud.destroy()
    const left = (await namespaces()).filter(name => !others.includes(name))
    assert.deepEqual(left, [], 'namespaces are left')
  })

  test('the first server runs, and ssh with the key works', async () => {
    const [first] = cloud.ready?.servers ?? []
    assert.equal(first?.status, 'ACTIVE')
    const { id } = await cloud.server('first')
    await cloud.whenConsole(id, 'guest: ready')
    assert.match(cloud.consoleLog(id), /guest: hostname first/)
    assert.equal(await cloud.ssh(first.addresses[0] ?? '', 'hostname -s || hostname'), 'first')
  })

  test('the image cirros is queued until it is built, then active', async () => {
    await cloud.whenImage('cirros')
  })

  test('the first commands: flavor, port, server', async () => {
    await cloud.openstack('flavor', 'create', 'a1.tiny', '--id', 'auto', '--ram', '64', '--disk', '1', '--vcpus', '1')
    const port = await cloud.openstack('port', 'create', '--network', 'private', 'p1', '-f', 'value', '-c', 'id')
    const create = ['server', 'create', '--flavor', 'a1.tiny', '--nic', `port-id=${port}`, '--image', 'cirros']
    await cloud.openstack(...create, '--security-group', 'default', '--key-name', 'first', 'vPoldeweg1')
    const server = await cloud.whenStatus('vPoldeweg1', 'ACTIVE')
    await cloud.whenConsole(server.id, 'guest: ready')
    const console = await cloud.openstack('console', 'log', 'show', 'vPoldeweg1')
    assert.match(console, new RegExp(`guest: dhcp eth0 ip=${address(server)}/`))
    assert.match(console, /guest: metadata source metadata-service/)
    assert.match(console, /guest: hostname vpoldeweg1/)
    assert.match(console, /guest: ssh-keys 1/)
    const memoryKb = Number(/mem-kb (\d+)/.exec(console)?.[1])
    assert.ok(memoryKb > 30_000 && memoryKb < 65_536, `the guest has ${memoryKb} kB`)
    assert.match(await cloud.ssh(address(server), 'id -un && sudo id -un'), /^cirros\nroot$/)
    assert.match(await cloud.openstack('server', 'list', '-f', 'value', '-c', 'Name'), /vPoldeweg1/)
  })

  test('pause stops time in the guest, unpause lets it go on', async () => {
    const server = await cloud.server('vPoldeweg1')
    await cloud.openstack('server', 'pause', 'vPoldeweg1')
    await cloud.whenStatus('vPoldeweg1', 'PAUSED')
    assert.equal(await pings(address(server)), false)
    await cloud.openstack('server', 'unpause', 'vPoldeweg1')
    await cloud.whenStatus('vPoldeweg1', 'ACTIVE')
    await waitFor('a ping', async () => ((await pings(address(server))) ? true : undefined), { deadlineMs: 60_000 })
  })

  test('a soft and a hard reboot each boot the guest again', async () => {
    const server = await cloud.server('vPoldeweg1')
    const { id } = server
    await cloud.openstack('server', 'reboot', '--wait', 'vPoldeweg1')
    await cloud.whenConsole(id, 'guest: boot-count 2')
    await cloud.whenConsole(id, 'guest: ready')
    // Pulling the plug may lose what the guest has not written yet, its own count of boots among it.
    await cloud.ssh(address(server), 'sync')
    await cloud.openstack('server', 'reboot', '--hard', '--wait', 'vPoldeweg1')
    await cloud.whenConsole(id, 'guest: boot-count 3')
    await cloud.whenConsole(id, 'guest: ready')
  })

  test('stop shuts the guest down gracefully, start boots it with the same address', async () => {
    const before = await cloud.server('vPoldeweg1')
    await cloud.openstack('server', 'stop', 'vPoldeweg1')
    await cloud.whenStatus('vPoldeweg1', 'SHUTOFF')
    assert.match(cloud.consoleLog(before.id), /guest: shutdown/)
    await cloud.openstack('server', 'start', 'vPoldeweg1')
    const after = await cloud.whenStatus('vPoldeweg1', 'ACTIVE')
    assert.equal(address(after), address(before))
    await cloud.whenConsole(before.id, 'guest: boot-count 4')
  })

  test('a guest that shuts itself down becomes SHUTOFF', async () => {
    const server = await cloud.server('vPoldeweg1')
    await cloud.whenConsole(server.id, 'guest: ready')
    await cloud.ssh(address(server), 'sudo poweroff')
    await cloud.whenStatus('vPoldeweg1', 'SHUTOFF')
    await cloud.openstack('server', 'start', 'vPoldeweg1')
    await cloud.whenStatus('vPoldeweg1', 'ACTIVE')
    await cloud.whenConsole(server.id, 'guest: boot-count 5')
    await cloud.whenConsole(server.id, 'guest: ready')
  })

  test('an interface added while the guest runs gets its address there, and goes again', async () => {
    const { id } = await cloud.server('vPoldeweg1')
    await cloud.openstack('server', 'add', 'network', 'vPoldeweg1', 'private')
    const two = Object.values((await cloud.server('vPoldeweg1')).addresses).flat()
    assert.equal(two.length, 2)
    await cloud.whenConsole(id, `guest: dhcp eth1 ip=${two[1]}/`)
    const ports = await cloud.json<{ ID: string; 'Fixed IP Addresses': { ip_address: string }[] }[]>(
      'port',
      'list',
      '--device-id',
      id,
    )
    const added = ports.find(port => port['Fixed IP Addresses'].some(ip => ip.ip_address === two[1]))
    await cloud.openstack('server', 'remove', 'port', 'vPoldeweg1', added?.ID ?? '')
    await waitFor(
      'one address',
      async () => (Object.values((await cloud.server('vPoldeweg1')).addresses).flat().length === 1 ? true : undefined),
      { deadlineMs: 60_000, everyMs: 300 },
    )
  })

  test('security groups are enforced, and a new rule opens at once', async () => {
    await cloud.openstack('security', 'group', 'create', 'closed')
    const create = ['server', 'create', '--flavor', 'a1.tiny', '--network', 'private', '--image', 'cirros']
    await cloud.openstack(...create, '--security-group', 'closed', 'shut')
    const server = await cloud.whenStatus('shut', 'ACTIVE')
    await cloud.whenConsole(server.id, 'guest: ready')
    assert.equal(await pings(address(server)), false)
    await cloud.openstack('security', 'group', 'rule', 'create', '--protocol', 'icmp', 'closed')
    await waitFor('a ping', async () => ((await pings(address(server))) ? true : undefined), { deadlineMs: 60_000 })
    await cloud.openstack('server', 'delete', '--wait', 'shut')
  })

  test('Ctrl-C leaves guests running; the next start finds them and goes on', async () => {
    const server = await cloud.server('vPoldeweg1')
    await cloud.stop('SIGINT')
    assert.equal(await pings(address(server)), true)
    await cloud.start()
    const after = await cloud.server('vPoldeweg1')
    assert.equal(after.status, 'ACTIVE')
    assert.match(cloud.consoleLog(server.id), /guest: boot-count 5/, 'the guest was not booted again')
    await cloud.ssh(address(server), 'sync')
    await cloud.openstack('server', 'reboot', '--hard', '--wait', 'vPoldeweg1')
    await cloud.whenConsole(server.id, 'guest: boot-count 6')
  })

  test('kill -9 in the middle of builds: everything completes', async () => {
    const create = ['server', 'create', '--flavor', 'a1.tiny', '--network', 'private', '--image', 'cirros']
    await cloud.openstack(...create, '--min', '3', '--max', '3', 'many')
    await cloud.stop('SIGKILL')
    await cloud.start()
    for (const name of ['many-1', 'many-2', 'many-3']) await cloud.whenStatus(name, 'ACTIVE')
    await cloud.openstack('server', 'delete', '--wait', 'many-1', 'many-2', 'many-3')
  })

  test('a flavor that fits no host is refused per host, with numbers', async () => {
    await cloud.openstack('flavor', 'create', 'huge', '--ram', '99999999', '--disk', '1', '--vcpus', '1')
    await cloud.openstack('quota', 'set', '--ram', '-1', 'admin')
    await cloud.openstack('server', 'create', '--flavor', 'huge', '--network', 'private', '--image', 'cirros', 'big')
    const server = await cloud.whenStatus('big', 'ERROR')
    assert.match(
      server.fault?.message ?? '',
      /^No valid host was found\. There are not enough hosts available\..*MEMORY_MB: 99999999 needed/,
    )
    await cloud.openstack('server', 'delete', '--wait', 'big')
  })

  test('an image that lies about its format is refused, and nothing is left of it', async () => {
    const file = join(cloud.stateDir, 'liar.raw')
    writeFileSync(file, Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), Buffer.alloc(65_532)]))
    await cloud.openstack('image', 'create', '--disk-format', 'raw', '--file', file, 'liar')
    await cloud.openstack(
      'server',
      'create',
      '--flavor',
      'a1.tiny',
      '--network',
      'private',
      '--image',
      'liar',
      'victim',
    )
    const server = await cloud.whenStatus('victim', 'ERROR')
    assert.match(server.fault?.message ?? '', /is unacceptable/)
    assert.equal(existsSync(join(cloud.stateDir, 'instances', server.id)), false)
    assert.deepEqual(await cloud.json('port', 'list', '--device-id', server.id), [])
    await cloud.openstack('server', 'delete', '--wait', 'victim')
  })

  test('two tenants with the same addresses: each has its guest, its metadata, its way in, and not the other', async () => {
    const ready = cloud.ready
    assert.ok(ready !== undefined)
    const admin = await CloudApi.open(ready)
    const { images } = await admin.call<{ images: { id: string }[] }>('image', 'GET', '/v2/images?name=cirros')
    const { flavors } = await admin.call<{ flavors: { id: string; name: string }[] }>('compute', 'GET', '/flavors')
    const flavor = flavors.find(({ name }) => name === 'a1.tiny')?.id ?? ''
    const cidr = '192.168.0.0/24'
    const red = await Tenant.make(admin, ready, 'red', cidr)
    const blue = await Tenant.make(admin, ready, 'blue', cidr)
    const fixed = ['192.168.0.10', '192.168.0.20'] as const
    const [one, two] = await Promise.all([
      red.boot(fixed[0], images[0]?.id ?? '', flavor),
      blue.boot(fixed[1], images[0]?.id ?? '', flavor),
    ])
    for (const [tenant, guest] of [
      [red, one],
      [blue, two],
    ] as const) {
      assert.match(
        await cloud.whenConsole(guest.id, 'guest: metadata source'),
        /guest: metadata source metadata-service/,
      )
      await cloud.whenConsole(guest.id, 'guest: ready')
      const document = await cloud.ssh(
        guest.floating,
        'hostname; wget -qO- http://169.254.169.254/openstack/latest/meta_data.json',
      )
      assert.match(document, new RegExp(`^of-${tenant.name}\n.*"project_id": "${tenant.projectId}"`))
    }
    const ping = (address: string) =>
      cloud.ssh(one.floating, `ping -c 1 -W 2 ${address} >/dev/null && echo heard || echo silent`)
    assert.deepEqual(
      [await ping('192.168.0.1'), await ping(fixed[1]), await ping(two.floating)],
      ['heard', 'silent', 'heard'],
    )
    await red.delete(one.id)
    await blue.delete(two.id)
    for (const { id } of [one, two])
      await waitFor('the server to go', () => admin.isGone('compute', `/servers/${id}`), { deadlineMs: 60_000 })
  })

  test('delete leaves nothing of a server, but the port the user made', async () => {
    const { id } = await cloud.server('vPoldeweg1')
    await cloud.openstack('server', 'delete', '--wait', 'vPoldeweg1')
    assert.equal(existsSync(join(cloud.stateDir, 'instances', id)), false)
    const port = await cloud.json<{ device_id: string; status: string }>('port', 'show', 'p1')
    assert.equal(port.device_id, '')
    assert.match(await cloud.refused('server', 'show', 'vPoldeweg1'), /No server with a name or ID|could not be found/i)
    const taps = (await lines('ip', '-br', 'link')).filter(line => line.startsWith('tap'))
    assert.equal(taps.length, 1, `only the tap of the first server is left: ${taps.join()}`)
  })

  test('a port in use is told, and the program ends with 1', async () => {
    const offset = offsetOf('guests/first-commands other')
    const [other, port] = [new TestCloud(offset), portsAt(offset).compute]
    const server = createServer().listen(port, '127.0.0.1')
    await assert.rejects(
      other.start('--hypervisor', 'fake', '--bare'),
      new RegExp(`ended with 1: .*nova-api cannot listen on 127\\.0\\.0\\.1:${port}`),
    )
    server.close()
    await other.destroy()
  })
})
