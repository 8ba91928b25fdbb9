/** Ports that were promised bandwidth or packets: held in placement where their server is, and told to the network. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PciFunction } from '#model'
import { simulatedFunction } from '#virt/fake'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'

const device = (fields: Readonly<Record<string, unknown>>): PciFunction => simulatedFunction(JSON.stringify(fields))
const vf = { vendor_id: '8086', product_id: '10ed', type: 'type-VF', physical_network: 'physnet1' }
const slow = { ...vf, parent: '0000:81:00.0', parent_devname: 'enp1' }
const fast = { ...vf, parent: '0000:82:00.0', parent_devname: 'enp2' }

const pciFunctions: readonly PciFunction[] = [
  device({ ...slow, address: '0000:81:10.0' }),
  device({ ...slow, address: '0000:81:10.2' }),
  device({ ...fast, address: '0000:82:10.0' }),
  device({ ...fast, address: '0000:82:10.2' }),
]

const egress = 'NET_BW_EGR_KILOBIT_PER_SEC'

describe('ports with minimum guarantees', () => {
  let cloud: ApiCloud
  let physical: string
  before(async () => {
    cloud = await startCloud({
      hosts: ['host-1', 'host-2'],
      hardware: { pciFunctions },
      config: {
        pci: { device_spec: [JSON.stringify({ vendor_id: '8086', physical_network: 'physnet1' })] },
        filter_scheduler: { enabled_filters: ['ComputeFilter', 'PciPassthroughFilter'] },
        linux_bridge: {
          resource_provider_bandwidths: ['br0:1000:1000'],
          resource_provider_packet_processing_without_direction: [':100'],
        },
        sriov_nic: {
          physical_device_mappings: ['physnet1:enp1', 'physnet1:enp2'],
          resource_provider_bandwidths: ['enp1:1000:1000', 'enp2:5000:5000'],
        },
      },
    })
    const { network } = await cloud.neutron(
      'POST',
      '/networks',
      {
        network: {
          name: 'flat',
          shared: true,
          'provider:network_type': 'flat',
          'provider:physical_network': 'physnet1',
        },
      },
      cloud.admin,
    )
    physical = network.id
    const subnet = { network_id: physical, cidr: '10.20.0.0/24', ip_version: 4 }
    await cloud.neutron('POST', '/subnets', { subnet }, cloud.admin)
  })
  after(() => cloud.close())

  const ask = (method: string, path: string, more: Ask = {}) =>
    cloud.request(method, path, { as: cloud.admin, version: newest, ...more })
  const act = (id: string, body: unknown, more: Ask = {}) => ask('POST', `/servers/${id}/action`, { body, ...more })

  /** A policy with these rules: `[kind, amount, direction]`. */
  async function policy(...rules: readonly (readonly ['bandwidth' | 'packet_rate', number, string])[]) {
    const { policy: made } = await cloud.neutron(
      'POST',
      '/qos/policies',
      { policy: { name: 'p', shared: true } },
      cloud.admin,
    )
    for (const [kind, amount, direction] of rules) {
      const field = kind === 'bandwidth' ? 'min_kbps' : 'min_kpps'
      const body = { [`minimum_${kind}_rule`]: { [field]: amount, direction } }
      await cloud.neutron('POST', `/qos/policies/${made.id}/minimum_${kind}_rules`, body, cloud.admin)
    }
    return made.id as string
  }

  async function portWith(qos: string | null, fields: Record<string, unknown> = {}): Promise<Json> {
    const asked = { network_id: cloud.networkId, project_id: cloud.member.projectId, qos_policy_id: qos, ...fields }
    return (await cloud.neutron('POST', '/ports', { port: asked }, cloud.admin)).port
  }
  const portNow = async (id: string): Promise<Json> =>
    (await cloud.neutron('GET', `/ports/${id}`, undefined, cloud.admin)).port
  const boot = (portId: string, more: Record<string, unknown> = {}, status = 'ACTIVE') =>
    cloud.bootServer({ version: '2.72', status, fields: { networks: [{ port: portId }], ...more } })
  const remove = async (id: string) => {
    await ask('DELETE', `/servers/${id}`)
    await cloud.waitUntilGone(id)
  }

  /** What the consumer holds of the network's providers, by their names. */
  async function held(consumerId: string): Promise<Record<string, Record<string, number>>> {
    const { allocations } = await cloud.placement.port.consumer(consumerId)
    const found: Record<string, Record<string, number>> = {}
    for (const [id, amounts] of Object.entries(allocations)) {
      const own = Object.entries(amounts).filter(([name]) => name.startsWith('NET_'))
      if (own.length === 0) continue
      found[(await cloud.placement.port.provider(id))?.name ?? id] = Object.fromEntries(own)
    }
    return found
  }
  /** The names of the providers that the network was told of with the port's binding. */
  async function told(portId: string): Promise<readonly string[]> {
    const { allocation = {} } = (await portNow(portId))['binding:profile']
    const names = Object.values(allocation as Record<string, string>).map(
      async id => (await cloud.placement.port.provider(id))?.name ?? id,
    )
    return (await Promise.all(names)).sort()
  }
  const hostOf = async (id: string) => (await cloud.store.instances.get(id)).host ?? ''
  const bridge = (host: string) => `${host}:Linux bridge agent:br0`

  test('a server on such a port holds it in placement, the network is told, and all of it is free when it is gone', async () => {
    const { id: portId } = await portWith(await policy(['bandwidth', 600, 'egress'], ['bandwidth', 100, 'ingress']))
    const early = await cloud.request('POST', '/servers', {
      version: '2.71',
      body: {
        server: { name: 'x', imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: [{ port: portId }] },
      },
    })
    early.refuses(
      400,
      'Creating servers with ports having resource requests, like a port with a QoS minimum bandwidth policy, is not supported until microversion 2.72.',
    )
    const id = await boot(portId)
    const at = bridge(await hostOf(id))
    assert.deepEqual(await held(id), { [at]: { [egress]: 600, NET_BW_IGR_KILOBIT_PER_SEC: 100 } })
    assert.deepEqual(await told(portId), [at])
    await remove(id)
    assert.deepEqual(await held(id), {})
    assert.deepEqual((await portNow(portId))['binding:profile'], {})
  })

  test('no host has enough: the fault says of what', async () => {
    const { id: portId } = await portWith(await policy(['bandwidth', 2000, 'egress']))
    const id = await boot(portId, {}, 'ERROR')
    const { fault } = await cloud.server(id, { as: cloud.admin })
    const why = `port ${portId}: no provider has it all; closest is host-1:Linux bridge agent:br0 (NET_BW_EGR_KILOBIT_PER_SEC: 2000 needed, 1000 free of 1000 (allocation ratio 1, reserved 0))`
    assert.ok(fault.details.includes(`host-1: Placement: ${why}`), fault.details)
    await remove(id)
  })

  test('bandwidth and packets come from one branch', async () => {
    const rules = await policy(['bandwidth', 10, 'egress'], ['packet_rate', 7, 'any'])
    const { id: portId } = await portWith(rules)
    const id = await boot(portId)
    const agent = `${await hostOf(id)}:Linux bridge agent`
    assert.deepEqual(await held(id), {
      [agent]: { NET_PACKET_RATE_KILOPACKET_PER_SEC: 7 },
      [`${agent}:br0`]: { [egress]: 10 },
    })
    assert.deepEqual(await told(portId), [agent, `${agent}:br0`])
    await remove(id)
  })

  const cardPort = async (kbps: number) =>
    portWith(await policy(['bandwidth', kbps, 'egress']), { network_id: physical, 'binding:vnic_type': 'direct' })

  test('the function of a card is that of the card whose bandwidth it has', async () => {
    const { id: portId } = await cardPort(3000)
    const id = await boot(portId)
    assert.deepEqual(Object.keys(await held(id)), [`${await hostOf(id)}:NIC Switch agent:enp2`])
    const { 'binding:profile': profile, 'binding:vif_type': vifType } = await portNow(portId)
    assert.deepEqual(
      [profile.pci_slot.slice(0, 7), profile.physical_network, vifType],
      ['0000:82', 'physnet1', 'hw_veb'],
    )
    await remove(id)
  })

  test('a resize takes both along: confirmed they are there, reverted they are back', async () => {
    const { id: portId } = await cardPort(3000)
    const id = await boot(portId)
    const from = await hostOf(id)
    const bigger = await cloud.newFlavor({ name: 'bigger', vcpus: 2, ram: 128, disk: 1 })
    const resize = async () => {
      ;(await act(id, { resize: { flavorRef: bigger } })).expect(202)
      await cloud.waitForStatus(id, 'VERIFY_RESIZE')
    }
    const card = (host: string) => `${host}:NIC Switch agent:enp2`
    await resize()
    const to = await hostOf(id)
    assert.notEqual(to, from)
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[card(to)], [card(to)]])
    ;(await act(id, { revertResize: null })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[card(from)], [card(from)]])
    await resize()
    ;(await act(id, { confirmResize: null })).expect(204)
    await cloud.waitForStatus(id, 'ACTIVE')
    const now = await hostOf(id)
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[card(now)], [card(now)]])
    await remove(id)
  })

  test('a running server keeps its promise where it goes; it cannot be forced to where nobody asked placement', async () => {
    const { id: portId } = await portWith(await policy(['bandwidth', 700, 'egress']))
    const id = await boot(portId)
    const from = await hostOf(id)
    const other = from === 'host-1' ? 'host-2' : 'host-1'
    const forced = { host: other, block_migration: 'auto', force: true }
    ;(await act(id, { 'os-migrateLive': forced }, { version: '2.30' })).refuses(
      400,
      `No valid host was found. Unable to move instance ${id} to host ${other}. The instance has complex allocations on the source host so move cannot be forced.`,
    )
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual([await hostOf(id), await told(portId)], [from, [bridge(from)]])
    ;(await act(id, { 'os-migrateLive': { host: null, block_migration: 'auto' } })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.equal(await hostOf(id), other)
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[bridge(other)], [bridge(other)]])
    await remove(id)
  })

  test('an evacuated server has it on its new host', async () => {
    const { id: portId } = await portWith(await policy(['bandwidth', 700, 'egress']))
    const id = await boot(portId)
    const from = await hostOf(id)
    const other = from === 'host-1' ? 'host-2' : 'host-1'
    await cloud.stopHost(from)
    const [service] = (await ask('GET', `/os-services?host=${from}&binary=nova-compute`)).body.services
    ;(await ask('PUT', `/os-services/${service.id}`, { body: { forced_down: true } })).expect(200)
    ;(await act(id, { evacuate: {} })).expect(200)
    await cloud.waitForStatus(id, 'SHUTOFF')
    assert.equal(await hostOf(id), other)
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[bridge(other)], [bridge(other)]])
    await cloud.startHost(from)
    ;(await ask('PUT', `/os-services/${service.id}`, { body: { forced_down: false } })).expect(200)
    await remove(id)
  })

  test('on the shelf it holds nothing, and gets it anew', async () => {
    const { id: portId } = await cardPort(3000)
    const id = await boot(portId)
    ;(await act(id, { shelve: null })).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.deepEqual([await held(id), (await portNow(portId))['binding:profile']], [{}, {}])
    ;(await act(id, { unshelve: null })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    const card = `${await hostOf(id)}:NIC Switch agent:enp2`
    assert.deepEqual([Object.keys(await held(id)), await told(portId)], [[card], [card]])
    await remove(id)
  })

  const attach = (id: string, portId: string) =>
    ask('POST', `/servers/${id}/os-interface`, { body: { interfaceAttachment: { port_id: portId } } })

  test('plugged into a running server it is held beside what the server has, and goes with the interface', async () => {
    const id = await cloud.bootServer({ fields: { networks: 'none' }, version: '2.72' })
    const before = (await cloud.placement.port.consumer(id)).allocations
    const { id: portId } = await cardPort(3000)
    ;(await attach(id, portId)).expect(200)
    const card = `${await hostOf(id)}:NIC Switch agent:enp2`
    assert.deepEqual([await held(id), await told(portId)], [{ [card]: { [egress]: 3000 } }, [card]])
    const [device] = await cloud.store.pciDevices.of(id)
    const plugged = cloud.drivers
      .get(await hostOf(id))
      ?.recordOf(id as never)
      ?.vifs.find(vif => vif.portId === portId)
    assert.deepEqual([device?.state, plugged?.card?.address], ['allocated', device?.address])
    const spec = await cloud.store.requestSpecs.find(id)
    assert.deepEqual(
      [spec?.ports?.map(port => port.id), spec?.pciRequests?.map(one => one.portId)],
      [[portId], [portId]],
    )

    const { id: tooMuch } = await cardPort(3000)
    ;(await attach(id, tooMuch)).refuses(
      400,
      `Failed to allocate additional resources to ${id} during interface attach`,
    )
    assert.deepEqual([(await portNow(tooMuch)).device_id, await held(id)], ['', { [card]: { [egress]: 3000 } }])
    ;(await ask('DELETE', `/servers/${id}/os-interface/${portId}`)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual((await cloud.placement.port.consumer(id)).allocations, before)
    assert.deepEqual([await cloud.store.pciDevices.of(id), (await portNow(portId))['binding:profile']], [[], {}])
    const after = await cloud.store.requestSpecs.find(id)
    assert.deepEqual([after?.ports, after?.pciRequests], [[], []])
    await remove(id)
  })

  test('a card that is plugged in is claimed, and there are no more than there are', async () => {
    const id = await cloud.bootServer({ fields: { networks: 'none' }, version: '2.72' })
    const ports: string[] = []
    for (let number = 0; number < 5; number++) {
      const fields = { network_id: physical, 'binding:vnic_type': 'direct' }
      ports.push((await portWith(null, fields)).id)
    }
    for (const portId of ports.slice(0, 4)) (await attach(id, portId)).expect(200)
    const addresses = (await cloud.store.pciDevices.of(id)).map(one => one.address)
    assert.equal(new Set(addresses).size, 4)
    ;(await attach(id, ports[4] ?? '')).refuses(400, `Failed to claim PCI device for ${id} during interface attach`)
    await remove(id)
    const left = await cloud.store.pciDevices.onNodes((await cloud.store.computeNodes.list()).map(node => node.uuid))
    assert.deepEqual(new Set([...left.values()].flat().map(one => one.state)), new Set(['available']))
  })

  test('a network that promises to ports which are still to be made is refused', async () => {
    const qos = await policy(['bandwidth', 10, 'egress'])
    const networkId = await cloud.newNetwork('promising', '10.30.0.0/24')
    await cloud.neutron('PUT', `/networks/${networkId}`, { network: { qos_policy_id: qos } }, cloud.admin)
    const message = (id: string) =>
      `Using networks with QoS policy is not supported for instance ${id}. (Network ID is ${networkId})`
    const id = await cloud.bootServer({ fields: { networks: [{ uuid: networkId }] }, status: 'ERROR' })
    assert.equal((await cloud.server(id, { as: cloud.admin })).fault.message, message(id))
    await remove(id)
    const other = await cloud.bootServer({ fields: { networks: 'none' }, version: '2.72' })
    const body = { interfaceAttachment: { net_id: networkId } }
    ;(await ask('POST', `/servers/${other}/os-interface`, { body })).refuses(400, message(other))
    const { ports } = await cloud.neutron('GET', `/ports?network_id=${networkId}`, undefined, cloud.admin)
    assert.deepEqual(
      ports.filter((port: Json) => port.device_owner.startsWith('compute:')),
      [],
    )
    await remove(other)
  })
})
