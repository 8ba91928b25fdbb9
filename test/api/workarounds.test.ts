/** What each option of `[workarounds]` that has an effect changes; those without one say so in their help. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unifiedQuotas } from '#api'
import { instanceId, systemClock, waitFor } from '#base'
import { type ApiCloud, type CloudOptions, type Json, newest, startCloud } from './harness.ts'

async function withCloud(options: CloudOptions, work: (cloud: ApiCloud) => Promise<void>): Promise<void> {
  const cloud = await startCloud(options)
  try {
    await work(cloud)
  } finally {
    await cloud.close()
  }
}

const options = (workarounds: Readonly<Record<string, boolean>>): CloudOptions => ({ config: { workarounds } })

test('a guest that ends by itself is seen at once, or by the comparison only', async () => {
  for (const handles of [true, false]) {
    await withCloud(options({ handle_virt_lifecycle_events: handles }), async cloud => {
      const [id, other] = [await cloud.bootServer(), await cloud.bootServer()]
      cloud.driver.crash(instanceId(id))
      if (handles) await cloud.waitForStatus(id, 'SHUTOFF')
      for (const [action, status] of [
        ['os-stop', 'SHUTOFF'],
        ['os-start', 'ACTIVE'],
      ] as const) {
        const body = { [action]: null }
        ;(await cloud.request('POST', `/servers/${other}/action`, { body })).expect(202)
        await cloud.waitForStatus(other, status)
      }
      // Long enough for what the hypervisor told before.
      assert.equal((await cloud.server(id)).status, handles ? 'SHUTOFF' : 'ACTIVE')
    })
  }
})

test('an older hypervisor is no place for a running guest, unless the operator says so', async () => {
  for (const skips of [false, true]) {
    const clouds = { hosts: ['one', 'two'], ...options({ skip_hypervisor_version_check_on_lm: skips }) }
    await withCloud(clouds, async cloud => {
      const id = await cloud.bootServer()
      const { host } = await cloud.store.instances.get(instanceId(id))
      const target = host === 'one' ? 'two' : 'one'
      const node = await cloud.store.computeNodes.find({ host: target })
      assert.ok(node)
      const { hypervisorVersion } = node.description
      const older = { ...node.description, hypervisorVersion: hypervisorVersion - 1 }
      await cloud.store.computeNodes.save({ ...node, description: older }, Date.now())
      const body = { 'os-migrateLive': { host: target, block_migration: 'auto' } }
      const asked = { as: cloud.admin, version: newest, body }
      ;(await cloud.request('POST', `/servers/${id}/action`, asked)).expect(202)
      const ended = async () => {
        const path = `/os-migrations?instance_uuid=${id}`
        const [move] = (await cloud.request('GET', path, { as: cloud.admin, version: newest })).expect(200).body
          .migrations
        return ['completed', 'error', 'failed'].includes(move?.status) ? move : undefined
      }
      const move: Json = await waitFor('the move to end', ended, { deadlineMs: 60_000 })
      assert.equal(move.status, skips ? 'completed' : 'error')
    })
  }
})

test('pinned CPUs count for themselves, or against the limit of all', async () => {
  for (const countsPinnedAsShared of [false, true]) {
    const resources = ['servers', 'class:VCPU']
    const limited: CloudOptions = {
      quotaSource: identity =>
        unifiedQuotas({ identity, clock: systemClock, strategy: 'require', resources, countsPinnedAsShared }),
    }
    await withCloud(limited, async cloud => {
      const made: Json = await cloud.keystone('POST', '/services', { service: { type: 'compute', name: 'nova' } })
      const register = (resource_name: string, default_limit: number) =>
        cloud.keystone('POST', '/registered_limits', {
          registered_limits: [{ service_id: made.service.id, resource_name, default_limit }],
        })
      await register('servers', 9)
      await register('class:VCPU', 2)
      const flavorRef = await cloud.newFlavor({ name: 'pinned', vcpus: 3 })
      const extra = { as: cloud.admin, body: { extra_specs: { 'hw:cpu_policy': 'dedicated' } } }
      ;(await cloud.request('POST', `/flavors/${flavorRef}/os-extra_specs`, extra)).expect(200)
      const server = { name: 's', imageRef: cloud.imageId, flavorRef, networks: 'none' }
      const answer = await cloud.request('POST', '/servers', { version: newest, body: { server } })
      if (!countsPinnedAsShared) answer.expect(202)
      else answer.refuses(403, /Resource class:VCPU is over limit of 2 due to current usage 0 and delta 3/)
    })
  }
})
