import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { CloudUser } from './cloud-user.ts'
import { type Cloud, type CloudBus, startCloud } from './processes.ts'

const names = ['nova-conductor', 'nova-scheduler', 'nova-compute', 'nova-api-os-compute'] as const

/** A cloud of separate processes, whatever they meet on and write to. `further` tests come before the services end. */
export function distributedContract(
  how: string,
  openBus: () => Promise<CloudBus | undefined>,
  further: (cloud: () => Cloud, user: () => CloudUser) => void = () => undefined,
  openDatabase: () => Promise<string | undefined> = async () => undefined,
): void {
  let cloud: Cloud
  let user: CloudUser
  before(async () => {
    cloud = await startCloud(names, '', await openBus(), await openDatabase())
    user = new CloudUser(cloud)
  })
  after(() => cloud?.close())

  test(`${how}: the cloud is furnished through its public APIs`, () => user.furnish())

  test(`${how}: a server boots through four processes`, async () => {
    await user.boot('first')
    await user.all(1)
    const [server] = await user.servers()
    assert.equal(Object.values(server?.addresses ?? {}).flat().length, 1)
  })

  test(`${how}: kill -9 of the conductor in the middle of builds: every build completes, exactly once`, async () => {
    const conductor = cloud.service['nova-conductor']
    await user.boot('many', 30)
    const isDone = async () => (await user.servers()).some(s => s.name !== 'first' && s.status === 'ACTIVE')
    await waitFor('some to be active', async () => (await isDone()) || undefined, { deadlineMs: 60_000, everyMs: 10 })
    assert.equal(await conductor.end('SIGKILL'), 'SIGKILL')
    assert.ok(
      (await user.servers()).some(s => s.status === 'BUILD'),
      'all builds were done before the kill',
    )
    await conductor.start()
    await user.all(31)
    await user.assertNothingLeftOver()
  })

  test(`${how}: kill -9 of the host during deletes: they complete when it is back`, async () => {
    const all = await user.servers()
    for (const { id } of all.slice(0, 10)) await user.call('DELETE', `/servers/${id}`)
    assert.equal(await cloud.service['nova-compute'].end('SIGKILL'), 'SIGKILL')
    for (const { id } of all.slice(10, 20)) await user.call('DELETE', `/servers/${id}`)
    await cloud.service['nova-compute'].start()
    await user.all(11)
  })

  test(`${how}: the metadata service answers for the instance that the proxy names`, async () => {
    const metadata = cloud.service['nova-api-metadata']
    await metadata.start()
    const [server] = await user.servers()
    const id = server?.id ?? ''
    const url = `http://127.0.0.1:${metadata.port('nova-api-metadata')}/openstack/latest/meta_data.json`
    const reply = await fetch(url, {
      headers: {
        'x-forwarded-for': '10.0.0.1',
        'x-instance-id': id,
        'x-tenant-id': (await cloud.builtIn.identity.serviceCaller()).projectId ?? '',
        'x-instance-id-signature': createHmac('sha256', 'shared').update(id).digest('hex'),
      },
    })
    assert.equal(reply.status, 200)
    assert.equal(((await reply.json()) as { uuid: string }).uuid, id)
  })

  test(`${how}: nova-api serves every API that enabled_apis names`, async () => {
    const api = cloud.service['nova-api']
    await api.start()
    const status = async (service: string, path: string) =>
      (await fetch(`http://127.0.0.1:${api.port(service)}${path}`)).status
    assert.equal(await status('nova-api-os-compute', '/'), 200)
    assert.equal(await status('nova-api-os-compute', '/v2.1/servers'), 401)
    assert.equal(await status('nova-api-metadata', '/'), 200)
  })

  further(
    () => cloud,
    () => user,
  )

  test(`${how}: SIGTERM and SIGINT end every service in good order`, async () => {
    for (const process of Object.values(cloud.service)) {
      if (!process.isRunning) continue
      const ended = process.end(process.name === 'nova-scheduler' ? 'SIGINT' : 'SIGTERM')
      assert.equal(await ended, 0, process.name)
    }
  })
}
