/** The cable between a host and the broker is cut: what becomes of its guests, and of what Nova says of them. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Closers, waitFor } from '#base'
import { Cable } from '../bin/cable.ts'
import { CloudUser } from '../bin/cloud-user.ts'
import { type Cloud, ServiceProcess, startCloud } from '../bin/processes.ts'
import { filesOf, simulatedHosts } from '../chaos/simulated-hosts.ts'
import { Broker } from './broker.ts'

const hasty = `
report_interval = 1
service_down_time = 6
sync_power_state_interval = 2
update_resources_interval = 2
[instance_ha]
enabled = true
default_policy = evacuate
lease_time = 5
fence_margin = 4
retry_interval = 2
`

interface Shown {
  readonly status: string
  readonly 'OS-EXT-SRV-ATTR:host': string
}

describe('a host is cut off from the broker', { concurrency: false }, () => {
  const closers = new Closers()
  const cables = new Map<string, Cable>()
  let cloud: Cloud
  let user: CloudUser
  const statePath = (host: string) => join(cloud.builtIn.folder, host)

  async function startHost(host: string, transportUrl: string, more = '', cable?: Cable): Promise<void> {
    const folder = statePath(host)
    mkdirSync(folder)
    const config = readFileSync(cloud.configFile, 'utf8')
      .replace('host = host-1', `host = ${host}`)
      .replace(`state_path = ${cloud.builtIn.folder}\n`, `state_path = ${folder}\n`)
      .replace(/transport_url = .*/, `transport_url = ${transportUrl}`)
    const file = join(folder, 'nova.conf')
    writeFileSync(file, `${config}\n[instance_ha]\n${more}`)
    const process = new ServiceProcess(
      'nova-compute',
      file,
      folder,
      cable === undefined ? {} : { within: cable.within },
    )
    closers.add(() => process.end('SIGKILL'))
    await process.start()
  }

  before(async () => {
    for (const host of ['host-1', 'host-2']) {
      const cable = await Cable.lay()
      closers.add(() => cable.close())
      cables.set(host, cable)
    }
    const listeners = [...cables.values()].map(({ address }, i) => `listeners.tcp.${i + 2} = ${address}:PORT`)
    const broker = await Broker.start({ config: listeners.join('\n') })
    closers.add(() => broker.close())
    cloud = await startCloud(['nova-conductor', 'nova-scheduler', 'nova-api-os-compute'], hasty, { url: broker.url() })
    closers.add(() => cloud.close())
    const { urls, folder } = cloud.builtIn
    const ports = Object.values(urls).map(url => Number(new URL(url).port))
    for (const [host, cable] of cables) {
      await cable.share(ports, folder)
      const url = `rabbit://nova:secret@${cable.address}:${broker.tlsPort}/`
      await startHost(host, url, host === 'host-2' ? 'self_fence = true' : '', cable)
    }
    await startHost('host-3', broker.url())
    user = new CloudUser(cloud)
    await user.furnish()
  })
  after(() => closers.close())

  const serviceOf = async (host: string) =>
    (
      await user.call<{ services: readonly { id: string; state: string; disabled_reason: string | null }[] }>(
        'GET',
        `/os-services?binary=nova-compute&host=${host}`,
      )
    ).services[0]
  const reasonOf = async (host: string) => (await serviceOf(host))?.disabled_reason ?? ''
  const shown = async (id: string) => (await user.server(id)).server as unknown as Shown
  /** On which hosts the guest is on. */
  const running = (id: string) =>
    simulatedHosts(['host-1', 'host-2', 'host-3'].map(host => filesOf(host, statePath(host))))
      .guests.filter(guest => guest.id === id && guest.power === 1)
      .map(({ host }) => host)
  const until = (what: string, isSo: () => Promise<boolean> | boolean) =>
    waitFor(what, async () => (await isSo()) || undefined, { deadlineMs: 120_000, everyMs: 100 })
  const isUp = (host: string, wanted: boolean) =>
    until(`${host} to be ${wanted ? 'up' : 'down'}`, async () => ((await serviceOf(host))?.state === 'up') === wanted)
  const bootOn = async (host: string) => {
    const id = await user.create(`on ${host}`, { availability_zone: `nova:${host}` })
    await until('the server', async () => (await shown(id)).status === 'ACTIVE')
    assert.deepEqual(running(id), [host])
    return id
  }

  test('without self_fence it keeps its guests, nothing is evacuated, and it reports when it is back', async () => {
    const [id, other] = [await bootOn('host-1'), await bootOn('host-1')]
    await cables.get('host-1')?.cut()
    await isUp('host-1', false)
    await until('the reason', async () =>
      /not fenced, nothing is evacuated: .*keeps no lease/.test(await reasonOf('host-1')),
    )
    // What users ask for waits or fails, and changes nothing there.
    await user.act(id, { reboot: { type: 'HARD' } })
    assert.deepEqual([running(id), running(other)], [['host-1'], ['host-1']])
    assert.equal((await shown(other))['OS-EXT-SRV-ATTR:host'], 'host-1')
    await cables.get('host-1')?.mend()
    await isUp('host-1', true)
    await until('nothing to be said of it', async () => (await reasonOf('host-1')) === '')
    assert.deepEqual(running(other), ['host-1'])
    await user.act(other, { 'os-stop': null })
    await until('it to obey', async () => (await shown(other)).status === 'SHUTOFF')
    assert.deepEqual(running(other), [])
  })

  test('with self_fence it kills them, they go on elsewhere, and it starts none when it is back', async () => {
    const id = await bootOn('host-2')
    await cables.get('host-2')?.cut()
    await until('the guest to be killed', () => running(id).length === 0)
    await until('the server to go on elsewhere', async () => {
      assert.ok(running(id).length < 2, `it runs on ${running(id).join(' and ')}`)
      const server = await shown(id)
      return server['OS-EXT-SRV-ATTR:host'] !== 'host-2' && server.status === 'ACTIVE' && running(id).length === 1
    })
    assert.match(await reasonOf('host-2'), /fenced by lease/)
    const home = running(id)
    await cables.get('host-2')?.mend()
    const moves = () =>
      user.call<{ migrations: readonly { status: string }[] }>('GET', `/os-migrations?instance_uuid=${id}`)
    await until('the host to take note', async () => (await moves()).migrations[0]?.status === 'completed')
    assert.deepEqual(running(id), home)
    assert.equal((await serviceOf('host-2'))?.state, 'down')
    await user.call('PUT', `/os-services/${(await serviceOf('host-2'))?.id}`, { forced_down: false })
    await isUp('host-2', true)
    await bootOn('host-2')
  })
})
