import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '#base'
import { HypervisorError, power } from '#virt'
import type { Json } from './answer.ts'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
const act = (id: string, action: string, args: unknown = null, ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, body: { [action]: args }, ...ask })
const imagesOf = (id: string) => cloud.deps.images.list('service', { properties: { instance_uuid: id } })
const portsOf = (id: string) => cloud.deps.network.ports('service', { deviceId: id })
const allocationsOf = async (id: string) => Object.keys((await cloud.placement.port.consumer(id)).allocations)

async function hostsOf(id: string): Promise<string[]> {
  const hosts = []
  for (const [host, driver] of cloud.drivers) if ((await driver.guest(id as never).state()).exists) hosts.push(host)
  return hosts
}

async function events(id: string, name: string): Promise<[string, string][]> {
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, { version: newest }))
    .body
  const newestOne = instanceActions.find((action: Json) => action.action === name)
  const path = `/servers/${id}/os-instance-actions/${newestOne.request_id}`
  const { instanceAction } = (await cloud.request('GET', path, { version: newest, as: cloud.admin })).body
  return instanceAction.events.map((event: Json) => [event.event, event.result]).toReversed()
}

/** Shelved, and off its host where the cloud does that. */
async function shelved(status = 'SHELVED_OFFLOADED', wish = {}): Promise<string> {
  const id = await cloud.bootServer(wish)
  ;(await act(id, 'shelve')).expect(202)
  await cloud.waitForStatus(id, status)
  return id
}

describe('offloaded at once', () => {
  before(async () => {
    cloud = await startCloud({ hosts: ['host-1', 'host-2'], quotas: { instances: 40, cores: 40 } })
  })
  after(() => cloud.close())

  test('off the host with its disk in an image; back with the same disk and addresses', async () => {
    const id = await cloud.bootServer()
    const before = await cloud.server(id, { as: cloud.admin })
    const [home = ''] = await hostsOf(id)
    cloud.drivers.get(home)?.writeDisk(id as never, 10, Buffer.from('kept on the shelf'))
    ;(await act(id, 'shelve')).expect(202)
    const off = await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual(
      [
        off['OS-EXT-SRV-ATTR:host'],
        off['OS-EXT-SRV-ATTR:hypervisor_hostname'],
        off['OS-EXT-STS:power_state'],
        off.hostId,
      ],
      [null, null, power.shutdown, ''],
    )
    assert.equal(off['OS-EXT-AZ:availability_zone'], 'nova')
    assert.deepEqual([await hostsOf(id), await allocationsOf(id)], [[], []])
    assert.deepEqual(
      (await portsOf(id)).map(port => port.bindingHost),
      [''],
    )
    assert.deepEqual(off.addresses, before.addresses)
    const [image] = await imagesOf(id)
    assert.deepEqual([image?.name, image?.status, image?.ownerId], ['server-shelved', 'active', cloud.member.projectId])
    assert.deepEqual(await events(id, 'shelve'), [['compute_shelve_instance', 'Success']])

    ;(await act(id, 'unshelve')).expect(202)
    const back = await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual([back.addresses, back.image.id], [before.addresses, cloud.imageId])
    const [host = ''] = await hostsOf(id)
    assert.equal(back['OS-EXT-SRV-ATTR:host'], host)
    assert.deepEqual(
      (await portsOf(id)).map(port => port.bindingHost),
      [host],
    )
    assert.equal((await allocationsOf(id)).length, 1)
    await waitFor('the image to go', async () => ((await imagesOf(id)).length === 0 ? true : undefined), {
      deadlineMs: 60_000,
    })
    const snapshot = await cloud.drivers.get(host)?.snapshots.take(id as never)
    let disk = ''
    for await (const chunk of snapshot?.bits ?? []) disk += Buffer.from(chunk).toString('latin1')
    await snapshot?.release()
    assert.equal(disk.slice(10, 27), 'kept on the shelf')
    assert.deepEqual(await events(id, 'unshelve'), [
      ['conductor_unshelve_instance', 'Success'],
      ['get_image_info', 'Success'],
      ['schedule_instances', 'Success'],
      ['compute_unshelve_instance', 'Success'],
    ])
  })

  test('stopped, paused and suspended ones too; all come back active', async () => {
    for (const [action, status] of [
      ['os-stop', 'SHUTOFF'],
      ['pause', 'PAUSED'],
    ] as const) {
      const id = await cloud.bootServer()
      ;(await act(id, action)).expect(202)
      await cloud.waitForStatus(id, status)
      ;(await act(id, 'shelve')).expect(202)
      await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
      ;(await act(id, 'unshelve')).expect(202)
      await cloud.waitForStatus(id, 'ACTIVE')
    }
  })

  test('deleted on the shelf: image, ports and record go', async () => {
    const id = await shelved()
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
    assert.deepEqual([await imagesOf(id), await portsOf(id)], [[], []])
  })

  test('its image gone: an error that says so', async () => {
    const id = await shelved()
    const [image] = await imagesOf(id)
    await cloud.deps.images.remove('service', image?.id ?? '')
    ;(await act(id, 'unshelve')).expect(202)
    const { fault } = await cloud.waitForStatus(id, 'ERROR')
    assert.deepEqual(
      [fault.code, fault.message],
      [404, `Unshelve attempted but the image ${image?.id} cannot be found.`],
    )
    assert.deepEqual(await events(id, 'unshelve'), [
      ['conductor_unshelve_instance', 'Error'],
      ['get_image_info', 'Error'],
    ])
  })

  test('no host for it: it stays on the shelf, and may try again', async () => {
    const id = await shelved()
    const services = (
      await cloud.request('GET', '/os-services?binary=nova-compute', { as: cloud.admin, version: newest })
    ).body.services
    const set = async (status: string) => {
      for (const service of services)
        (
          await cloud.request('PUT', `/os-services/${service.id}`, {
            as: cloud.admin,
            version: newest,
            body: { status },
          })
        ).expect(200)
    }
    await set('disabled')
    ;(await act(id, 'unshelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual(await events(id, 'unshelve'), [
      ['conductor_unshelve_instance', 'Success'],
      ['get_image_info', 'Success'],
      ['schedule_instances', 'Error'],
    ])
    await set('enabled')
    ;(await act(id, 'unshelve')).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
  })

  test('a hypervisor that fails: on the shelf as before, or running as before', async () => {
    const id = await cloud.bootServer()
    const planned = HypervisorError({ operation: 'snapshot', reason: 'planned' })
    for (const driver of cloud.drivers.values()) driver.failNext('snapshot', planned)
    ;(await act(id, 'shelve')).expect(202)
    const running = await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(running['OS-EXT-STS:power_state'], power.running)
    const [home = ''] = await hostsOf(id)
    assert.equal(
      (
        await cloud.drivers
          .get(home)
          ?.guest(id as never)
          .state()
      )?.power,
      power.running,
    )
    assert.deepEqual(await imagesOf(id), [])
    for (const driver of cloud.drivers.values()) while (await takesFault(driver)) continue
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    for (const driver of cloud.drivers.values()) driver.failNext('spawn', planned)
    ;(await act(id, 'unshelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual([await hostsOf(id), await allocationsOf(id), (await imagesOf(id)).length], [[], [], 1])
    assert.deepEqual(
      (await portsOf(id)).map(port => port.bindingHost),
      [''],
    )
    // The other host has its planned failure still.
    for (let status = ''; status !== 'ACTIVE'; status = (await idle(id)).status) (await act(id, 'unshelve')).expect(202)
  })

  test('refused', async () => {
    const id = await cloud.bootServer()
    ;(await act(id, 'unshelve')).refuses(409, `Cannot 'unshelve' instance ${id} while it is in vm_state active`)
    ;(await act(id, 'shelveOffload', null, { as: cloud.admin })).refuses(
      409,
      `Cannot 'shelveOffload' instance ${id} while it is in vm_state active`,
    )
    ;(await act(id, 'shelveOffload')).refuses(403, /shelve_offload/)
    ;(await act(id, 'shelve', null, { as: cloud.reader })).refuses(403, /os-shelve:shelve/)
    ;(await act(id, 'shelve', null, { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
    ;(await act(id, 'lock')).expect(202)
    ;(await act(id, 'shelve')).refuses(409, `Instance ${id} is locked`)
    ;(await act(id, 'unlock')).expect(202)
    assert.deepEqual(await imagesOf(id), [])
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    ;(await act(id, 'shelve')).refuses(409, `Cannot 'shelve' instance ${id} while it is in vm_state shelved_offloaded`)
    ;(await act(id, 'unshelve', { availability_zone: 'nova' }, { version: '2.76' })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
  })
})

describe('where it comes back', () => {
  before(async () => {
    cloud = await startCloud({ hosts: ['host-1', 'host-2'] })
  })
  after(() => cloud.close())

  test('to a host, by administrators; to a zone; and out of any zone', async () => {
    const aggregate = (
      await cloud.request('POST', '/os-aggregates', {
        as: cloud.admin,
        body: { aggregate: { name: 'east', availability_zone: 'east' } },
      })
    ).expect(200).body.aggregate
    ;(
      await cloud.request('POST', `/os-aggregates/${aggregate.id}/action`, {
        as: cloud.admin,
        body: { add_host: { host: 'host-2' } },
      })
    ).expect(200)
    const id = await shelved()
    const wish = (args: unknown, ask = {}) => act(id, 'unshelve', args, ask)
    ;(await wish({ availability_zone: 'nowhere' })).refuses(400, 'The requested availability zone is not available')
    ;(await wish({ host: 'host-1' })).refuses(403, /unshelve_to_host/)
    const admin = { as: cloud.admin }
    ;(await wish({ host: 'nobody' }, admin)).refuses(400, 'Compute host nobody could not be found.')
    ;(await wish({ host: 'host-1', availability_zone: 'east' }, admin)).refuses(
      409,
      'Host "host-1" is not in the availability zone "east".',
    )
    ;(await wish({ host: 'host-1' }, { version: '2.90', ...admin })).expect(400)
    ;(await wish({ availability_zone: null }, { version: '2.90' })).expect(400)
    ;(await wish({ host: 'host-2' }, admin)).expect(202)
    assert.equal((await cloud.waitForStatus(id, 'ACTIVE'))['OS-EXT-SRV-ATTR:host'], 'host-2')
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    ;(await wish({ availability_zone: 'east' }, { version: '2.77' })).expect(202)
    const there = await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual([there['OS-EXT-SRV-ATTR:host'], there.pinned_availability_zone], ['host-2', 'east'])
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    ;(await wish({ host: 'host-1' }, admin)).refuses(409, 'Host "host-1" is not in the availability zone "east".')
    ;(await wish({ host: 'host-1', availability_zone: null }, admin)).expect(202)
    const back = await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual([back['OS-EXT-SRV-ATTR:host'], back.pinned_availability_zone], ['host-1', null])
  })
})

/** The server when nothing is done to it. */
const idle = (id: string): Promise<Json> =>
  waitFor(
    'the server to be idle',
    async () => {
      const now = await cloud.server(id, { as: cloud.admin })
      return now['OS-EXT-STS:task_state'] === null ? now : undefined
    },
    { deadlineMs: 60_000, everyMs: 5 },
  )

/** Whether the driver still had a planned failure; takes it away. */
async function takesFault(driver: { snapshots: { take(id: never): Promise<unknown> } }): Promise<boolean> {
  const error = await driver.snapshots.take('00000000-0000-0000-0000-000000000000' as never).catch(e => e)
  return HypervisorError.is(error)
}

describe('kept on the host', () => {
  before(async () => {
    cloud = await startCloud({ config: { DEFAULT: { shelved_offload_time: -1 } } })
  })
  after(() => cloud.close())

  test('stays there until it is offloaded, and starts there', async () => {
    const id = await shelved('SHELVED')
    assert.deepEqual([await hostsOf(id), (await allocationsOf(id)).length], [['host-1'], 1])
    const wish = { availability_zone: 'nova' }
    const words = `Specifying an availability zone or a host when unshelving server "${id}" with status "shelved" is not supported. The server status must be SHELVED_OFFLOADED.`
    ;(await act(id, 'unshelve', wish)).refuses(409, words)
    ;(await act(id, 'unshelve')).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    await waitFor('the image to go', async () => ((await imagesOf(id)).length === 0 ? true : undefined), {
      deadlineMs: 60_000,
    })
    assert.deepEqual(await events(id, 'unshelve'), [
      ['conductor_unshelve_instance', 'Success'],
      ['compute_start_instance', 'Success'],
    ])
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED')
    ;(await act(id, 'shelveOffload', null, { as: cloud.admin })).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual([await hostsOf(id), (await imagesOf(id)).length], [[], 1])
    assert.deepEqual(await events(id, 'shelveOffload'), [['compute_shelve_offload_instance', 'Success']])
  })

  test('deleted there: guest and image go', async () => {
    const id = await shelved('SHELVED')
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
    assert.deepEqual([await hostsOf(id), await imagesOf(id)], [[], []])
  })
})

describe('offloaded when its time is over', () => {
  before(async () => {
    cloud = await startCloud({ config: { DEFAULT: { shelved_offload_time: 1, shelved_poll_interval: 1 } } })
  })
  after(() => cloud.close())

  test('by itself', async () => {
    const id = await cloud.bootServer()
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED')
    assert.deepEqual(await hostsOf(id), ['host-1'])
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual(await events(id, 'shelve'), [
      ['compute_shelve_instance', 'Success'],
      ['compute_shelve_offload_instance', 'Success'],
    ])
  })
})
