import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { instanceId } from '#base'
import { power } from '#virt'
import { type ApiCloud, type CloudOptions, startCloud } from './harness.ts'

/** What a host finds when it comes back, and what it does about it. */

const clouds: ApiCloud[] = []
after(() => Promise.all(clouds.map(cloud => cloud.close())))

async function cloudWith(DEFAULT: Readonly<Record<string, string | number | boolean>>): Promise<ApiCloud> {
  const config: CloudOptions['config'] = { DEFAULT }
  const cloud = await startCloud({ config })
  clouds.push(cloud)
  return cloud
}

async function onlyHost(cloud: ApiCloud): Promise<string> {
  const [host = ''] = cloud.drivers.keys()
  return host
}

/** A server that is deleted while its host is away; its guest then runs there, and nobody has a use for it. */
async function deletedWhileAway(cloud: ApiCloud): Promise<string> {
  const id = await cloud.bootServer()
  const host = await onlyHost(cloud)
  await cloud.stopHost(host)
  const service = await cloud.store.services.find(host, 'nova-compute')
  assert.ok(service !== undefined)
  const force = (isForcedDown: boolean) => cloud.store.services.change(service, { isForcedDown }, Date.now())
  await force(true)
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  await force(false)
  await cloud.startHost(host)
  return id
}

const guestOf = async (cloud: ApiCloud, id: string) => (await cloud.driver.list()).find(guest => guest.id === id)

for (const [action, left] of [
  ['reap', undefined],
  ['shutdown', power.shutdown],
  ['log', power.running],
  ['noop', power.running],
] as const) {
  test(`running_deleted_instance_action = ${action}`, async () => {
    const cloud = await cloudWith({ running_deleted_instance_action: action })
    const id = await deletedWhileAway(cloud)
    assert.equal((await guestOf(cloud, id))?.power, left)
  })
}

test('running_deleted_instance_timeout: not before its time', async () => {
  const cloud = await cloudWith({ running_deleted_instance_timeout: 3600 })
  const id = await deletedWhileAway(cloud)
  assert.equal((await guestOf(cloud, id))?.power, power.running)
})

for (const [resumes, status] of [
  [true, 'ACTIVE'],
  [false, 'SHUTOFF'],
] as const) {
  test(`resume_guests_state_on_host_boot = ${resumes}: guests that went down with the host are ${status}`, async () => {
    const cloud = await cloudWith({ resume_guests_state_on_host_boot: resumes })
    const [ran, stopped] = [await cloud.bootServer(), await cloud.bootServer()]
    ;(await cloud.request('POST', `/servers/${stopped}/action`, { body: { 'os-stop': null } })).expect(202)
    await cloud.waitForStatus(stopped, 'SHUTOFF')
    const host = await onlyHost(cloud)
    await cloud.stopHost(host)
    cloud.driver.crash(instanceId(ran))
    await cloud.startHost(host)
    await cloud.waitForStatus(ran, status)
    await cloud.waitForStatus(stopped, 'SHUTOFF')
    assert.equal((await guestOf(cloud, ran))?.power === power.running, resumes)
  })
}

test('failed builds count against a host until one succeeds there', async () => {
  const cloud = await cloudWith({})
  const failed = async () => (await cloud.store.computeNodes.list())[0]?.failedBuilds
  cloud.driver.failNext('spawn', new Error('the disk is full'))
  await cloud.bootServer({ status: 'ERROR' })
  assert.equal(await failed(), 1)
  await cloud.bootServer()
  assert.equal(await failed(), 0)
})
