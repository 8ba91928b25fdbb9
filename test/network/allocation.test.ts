import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { FixedIpInUse, NetworkNotFound, NoMoreFixedIps, PortInUseByOther, PortQuotaExceeded } from '#cloud'
import { callerOf, type Running, startNetwork } from './harness.ts'

let running: Running
before(async () => {
  running = await startNetwork()
})
after(() => running.close())

const request = (networkId: string, deviceId: string) => ({
  networkId,
  projectId: 'alpha',
  deviceId,
  deviceOwner: 'compute:nova',
  bindingHost: 'h1',
})

test('100 ports asked for at once in a /26: 61 get different addresses, the others a clear refusal', async () => {
  const { port } = running.service
  const network = await running.service.ensureDefaultNetwork({
    projectId: 'alpha',
    name: 'private',
    cidr: '10.7.0.0/26',
  })
  const asked = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) => port.createPort('service', request(network.id, `server-${i}`))),
  )
  const made = asked.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const refusals = asked.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []))
  assert.equal(made.length, 61)
  assert.equal(new Set(made.map(view => view.fixedIps[0]?.ipAddress)).size, 61)
  assert.equal(new Set(made.map(view => view.macAddress)).size, 61)
  assert.ok(
    refusals.every(reason => NoMoreFixedIps.is(reason)),
    String(refusals[0]),
  )
  assert.equal((await port.ports('service', { networkId: network.id })).length, 61)
  const [one] = made
  assert.ok(one !== undefined)
  await port.deletePort('service', one.id)
  await port.deletePort('service', one.id)
  assert.equal(
    (await port.createPort('service', request(network.id, 'late'))).fixedIps[0]?.ipAddress,
    one.fixedIps[0]?.ipAddress,
  )
})

test('the port adapter speaks Nova’s words', async () => {
  const { port } = running.service
  const network = await running.service.ensureDefaultNetwork({
    projectId: 'gamma',
    name: 'private',
    cidr: '10.8.0.0/26',
  })
  assert.equal((await running.service.ensureDefaultNetwork({ projectId: 'gamma', name: 'private' })).id, network.id)
  const gamma = callerOf('gamma', ['member'])
  const own = { ...request(network.id, 's1'), projectId: 'gamma' }
  const view = await port.createPort(gamma, { ...own, fixedIps: [{ ipAddress: '10.8.0.9' }], hostname: 'web' })
  assert.deepEqual([view.vifType, view.status, view.bindingHost], ['bridge', 'DOWN', 'h1'])
  await assert.rejects(
    port.createPort(gamma, { ...own, deviceId: 's2', fixedIps: [{ ipAddress: '10.8.0.9' }] }),
    error => {
      assert.ok(FixedIpInUse.is(error))
      assert.equal(error.message, 'Fixed IP address 10.8.0.9 is already in use on instance s1.')
      return true
    },
  )
  await assert.rejects(port.createPort(callerOf('delta', ['member']), own), error => NetworkNotFound.is(error))
  await assert.rejects(port.updatePort(gamma, view.id, { deviceId: 's3' }), error => PortInUseByOther.is(error))
  const freed = await port.updatePort(gamma, view.id, { deviceId: '', bindingHost: '' })
  assert.deepEqual([freed.vifType, freed.deviceId], ['unbound', ''])
  assert.deepEqual(
    (await port.availableNetworks(gamma, 'gamma')).map(n => n.id),
    [network.id],
  )
  const [subnet] = await port.subnets('service', network.subnetIds)
  // Its DHCP server comes with its first guest; until then guests are told the gateway.
  assert.deepEqual([subnet?.dhcpServer, subnet?.cidr], ['10.8.0.1', '10.8.0.0/26'])
  assert.equal((await port.securityGroups(gamma, 'gamma'))[0]?.name, 'default')
  assert.equal(await port.portQuotaLeft('service', 'gamma'), 499)
  await running.api('PUT', '/v2.0/quotas/gamma', { quota: { port: 1 } }, 'ops:admin')
  await assert.rejects(port.createPort(gamma, own), error => PortQuotaExceeded.is(error))
})

test('the metadata service learns who asks, and never across networks', async () => {
  const { port, metadataSource } = running.service
  const [network] = await port.networks('service', { names: ['private'] })
  assert.ok(network !== undefined)
  const [some] = await port.ports('service', { deviceId: 'server-1' })
  const remoteAddress = some?.fixedIps[0]?.ipAddress ?? ''
  const here = { kind: 'network', id: network.id } as const
  const found = await metadataSource.lookup(here, `::ffff:${remoteAddress}`)
  assert.deepEqual(found, { portId: some?.id, deviceId: 'server-1', projectId: 'alpha', networkId: network.id })
  assert.equal(await metadataSource.lookup(here, '10.7.0.63'), undefined)
  const [other] = (await port.networks('service', { names: ['private'] })).filter(({ id }) => id !== network.id)
  assert.ok(other !== undefined)
  assert.equal(await metadataSource.lookup({ kind: 'network', id: other.id }, remoteAddress), undefined)
  const asked = (method: string, path: string, body: unknown) => running.api(method, `/v2.0${path}`, body, 'ops:admin')
  const { router } = (await asked('POST', '/routers', { router: { name: 'r' } })).body
  const there = { kind: 'router', id: router.id } as const
  assert.equal(await metadataSource.lookup(there, remoteAddress), undefined)
  const joined = await asked('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: network.subnetIds[0] })
  assert.equal(joined.status, 200)
  assert.equal((await metadataSource.lookup(there, remoteAddress))?.portId, some?.id)
})
