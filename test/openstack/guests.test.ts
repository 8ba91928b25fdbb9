/** A real guest whose address, metadata, packet filter and floating address come from Neutron's own agents. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { Closers, silentLog, waitFor } from '#base'
import { buildStockImage, type GuestImage, guestCache } from '#guest'
import { startLibvirt, stopEverything } from '#virt/libvirt'
import { guestHost, outsideCidr } from '../../tools/openstack/agents.ts'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { allWork } from '../cli/session.ts'
import { Rest } from '../cloud/rest.ts'
import { unique } from '../cloud/world.ts'
import { neighboursFile } from './neighbours.ts'
import { asked, type Nova, startNova } from './nova.ts'

const run = promisify(execFile)

interface Shown {
  readonly id: string
  readonly status: string
  readonly fault?: { readonly message: string } | string
  readonly addresses: Readonly<Record<string, readonly string[]>>
}

interface WirePort {
  readonly id: string
  readonly status: string
  readonly mac_address: string
  readonly 'binding:vif_type': string
  readonly 'binding:vif_details': Readonly<Record<string, unknown>>
}

const name = (what: string): string => unique(what).replace(' ', '-')

describe("a guest among Neutron's agents", () => {
  const closers = new Closers()
  const [image, outside, inside, router, group, flavor, guest] = 'stock outside inside way open tiny guest'
    .split(' ')
    .map(name) as [string, string, string, string, string, string, string]
  let file: NeighboursFile
  let nova: Nova
  let admin: Rest
  let keyFile: string
  let floating: string
  let built: GuestImage

  before(async () => {
    file = neighboursFile()
    built = await buildStockImage({ cacheDir: guestCache() })
    const stateDir = join(file.folder, name('libvirt'))
    mkdirSync(stateDir, { mode: 0o700 })
    const daemon = await startLibvirt({ stateDir, log: silentLog, systemDaemon: 'ignore' })
    closers.add(() => stopEverything(stateDir))
    admin = await Rest.login(file.urls.identity, 'admin', file.passwords.admin, 'admin')
    const names = [
      'nova-conductor',
      'nova-scheduler',
      'nova-compute',
      'nova-api-os-compute',
      'nova-api-metadata',
    ] as const
    nova = await startNova(file, names, {
      host: guestHost,
      more: {
        DEFAULT: {
          compute_driver: 'libvirt.LibvirtDriver',
          ram_allocation_ratio: 4,
          cpu_allocation_ratio: 16,
          vif_plugging_timeout: 45,
        },
        libvirt: { virt_type: 'qemu', connection_uri: `qemu+unix:///system?socket=${daemon.socketPath}` },
      },
    })
    closers.add(() => nova.close())
    keyFile = join(nova.folder, 'key')
    await work(
      `image create --public --disk-format ${built.diskFormat} --container-format bare --file ${built.path} ${image}`,
      `network create --external --provider-network-type flat --provider-physical-network public ${outside}`,
      `subnet create --network ${outside} --subnet-range ${outsideCidr} --allocation-pool start=172.24.1.1,end=172.24.1.250 --gateway 172.24.0.1 --no-dhcp ${outside}`,
      `network create ${inside}`,
      `subnet create --network ${inside} --subnet-range 10.78.0.0/24 ${inside}`,
      `router create ${router}`,
      `router set ${router} --external-gateway ${outside}`,
      `router add subnet ${router} ${inside}`,
      `security group create ${group}`,
      `security group rule create ${group} --protocol tcp --dst-port 22`,
      `keypair create ${guest} --private-key ${keyFile}`,
      `flavor create ${flavor} --ram ${built.minRamMiB} --disk ${Math.max(1, built.minDiskGiB)} --vcpus 1`,
    )
    // The client leaves it to everybody, and ssh then takes none.
    chmodSync(keyFile, 0o600)
    await waitFor(
      'the host to be in placement',
      async () => {
        const { resource_providers: found } = await admin.call<{ resource_providers: { name: string }[] }>(
          'placement',
          'GET',
          '/resource_providers',
        )
        return found.length > 0 || undefined
      },
      { deadlineMs: 120_000, everyMs: 500 },
    )
  })
  after(async () => {
    await closers.close()
  })

  const work = (...commands: string[]) => allWork(nova, ...commands)
  const server = (which: string) => asked<Shown>(nova, `server show ${which}`)
  const portsOf = async (id: string) =>
    (await admin.call<{ ports: readonly WirePort[] }>('network', 'GET', `/v2.0/ports?device_id=${id}`)).ports
  const inGuest = async (command: string): Promise<string> => {
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes', 'ConnectTimeout=5']
    const { stdout } = await run('ssh', [
      ...options.flatMap(option => ['-o', option]),
      '-i',
      keyFile,
      `cirros@${floating}`,
      command,
    ])
    return stdout.trim()
  }

  test('it runs once the agent has wired its port, which Neutron tells Nova', async () => {
    await work(
      `server create --flavor ${flavor} --image ${image} --network ${inside} --security-group ${group} --key-name ${guest} --wait ${guest}`,
    )
    const { id, status } = await server(guest)
    assert.equal(status, 'ACTIVE')
    const [port] = await portsOf(id)
    assert.deepEqual([port?.status, port?.['binding:vif_type']], ['ACTIVE', 'bridge'])
    // Bound by the agent on this host, and not for want of one.
    assert.equal(port?.['binding:vif_details']['connectivity'], 'l2')
  })

  test('it is reached by its floating address, with the key that it has from the metadata service', async () => {
    const { floating_ip_address: address } = await asked<{ floating_ip_address: string }>(
      nova,
      `floating ip create ${outside}`,
    )
    floating = address
    await work(`server add floating ip ${guest} ${address}`)
    const hostname = await waitFor('the guest to let us in', () => inGuest('hostname').catch(() => undefined), {
      deadlineMs: 300_000,
      everyMs: 2000,
    })
    assert.equal(hostname, guest)
  })

  test("its address is from Neutron's DHCP, its metadata is its own", async () => {
    const { id, addresses } = await server(guest)
    const fixed = addresses[inside]?.[0] ?? ''
    assert.match(fixed, /^10\.78\.0\.\d+$/)
    assert.match(await inGuest('ip -4 addr show eth0'), new RegExp(`inet ${fixed}/24`))
    const url = 'http://169.254.169.254/openstack/latest/meta_data.json'
    const document = JSON.parse(await inGuest(`wget -q -O - ${url}`)) as { uuid: string; name: string }
    assert.deepEqual([document.uuid, document.name], [id, guest])
  })

  test("Cinder's volume is a disk of it", async () => {
    const volume = name('data')
    await work(`volume create --size 1 ${volume}`)
    const status = async () => (await asked<{ status: string }>(nova, `volume show ${volume}`)).status
    const until = (wanted: string) =>
      waitFor(`the volume to be ${wanted}`, async () => (await status()) === wanted || undefined, {
        deadlineMs: 120_000,
        everyMs: 500,
      })
    await until('available')
    await work(`server add volume ${guest} ${volume}`)
    await until('in-use')
    await waitFor('the disk to be there', () => inGuest('cat /sys/block/vdb/size').catch(() => undefined), {
      deadlineMs: 60_000,
      everyMs: 1000,
    })
    assert.equal(await inGuest('cat /sys/block/vdb/size'), String(1024 ** 3 / 512))
    await work(`server remove volume ${guest} ${volume}`)
    await until('available')
    await work(`volume delete ${volume}`)
  })

  test('after a hard reboot and a stop it is wired again', async () => {
    await work(`server reboot --hard --wait ${guest}`)
    const isIn = () =>
      waitFor('the guest to let us in', () => inGuest('uptime').catch(() => undefined), {
        deadlineMs: 300_000,
        everyMs: 2000,
      })
    await isIn()
    await work(`server stop ${guest}`)
    await waitFor('it to be off', async () => (await server(guest)).status === 'SHUTOFF' || undefined, {
      deadlineMs: 120_000,
      everyMs: 1000,
    })
    await work(`server start ${guest}`)
    await isIn()
    assert.equal((await server(guest)).status, 'ACTIVE')
  })

  test('a port that never comes up fails the build, and leaves nothing', async () => {
    const lame = name('lame')
    await work(`port create --network ${inside} --disable ${lame}`)
    await work(`server create --flavor ${flavor} --image ${image} --port ${lame} ${lame}`)
    const failed = await waitFor(
      'the build to fail',
      async () => {
        const now = await server(lame)
        return now.status === 'ERROR' ? now : undefined
      },
      { deadlineMs: 240_000, everyMs: 1000 },
    )
    assert.match(JSON.stringify(failed), /Virtual Interface creation failed|No valid host|Exceeded maximum number/)
    // The client takes the status that it begins with for a failure of the deletion, so it must not wait.
    await work(`server delete ${failed.id}`)
    await waitFor(
      'it to be gone',
      async () => ((await admin.ask('compute', 'GET', `/servers/${failed.id}`)).status === 404 ? true : undefined),
      { deadlineMs: 60_000, everyMs: 500 },
    )
    await work(`port delete ${lame}`)
  })

  test('what is deleted leaves no port, no tap and no allocation', async () => {
    const { id } = await server(guest)
    const [port] = await portsOf(id)
    const tap = `tap${port?.id.slice(0, 11)}`
    assert.match((await run('ip', ['-o', 'link'])).stdout, new RegExp(tap))
    await work(`server delete --wait ${guest}`)
    assert.deepEqual(await portsOf(id), [])
    assert.doesNotMatch((await run('ip', ['-o', 'link'])).stdout, new RegExp(tap))
    const { allocations } = await admin.call<{ allocations: object }>('placement', 'GET', `/allocations/${id}`)
    assert.deepEqual(allocations, {})
  })

  test('a cloud that is kept is as it was before, without the host too', async () => {
    await work(
      `floating ip delete ${floating}`,
      `router remove subnet ${router} ${inside}`,
      `router delete ${router}`,
      `network delete ${inside} ${outside}`,
      `security group delete ${group}`,
      `keypair delete ${guest}`,
      `flavor delete ${flavor}`,
      `image delete ${image}`,
    )
    assert.equal(await nova.service['nova-compute']?.end('SIGTERM'), 0)
    const services = await asked<{ ID: string }[]>(nova, 'compute service list --service nova-compute')
    await work(...services.map(({ ID }) => `compute service delete ${ID}`))
    const { resource_providers: left } = await admin.call<{ resource_providers: unknown[] }>(
      'placement',
      'GET',
      '/resource_providers',
    )
    assert.deepEqual(left, [])
  })
})
