/** What hosts and servers are like, on its way to the scheduler: reported, kept, read and weighed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiCloud, type CloudOptions, startCloud } from '../api/harness.ts'

const hosts = ['host-1', 'host-2']

async function withCloud(options: CloudOptions, work: (cloud: ApiCloud) => Promise<void>): Promise<void> {
  const cloud = await startCloud({ hosts, ...options })
  try {
    await work(cloud)
  } finally {
    await cloud.close()
  }
}

const hostOf = async (cloud: ApiCloud, id: string) => (await cloud.store.instances.get(id)).host
const boot = (cloud: ApiCloud, fields: Record<string, unknown> = {}) =>
  cloud.bootServer({ as: cloud.admin, version: '2.74', fields: { networks: 'none', ...fields } })
const only = (name: string) => ({ weight_classes: [`nova.scheduler.weights.x.${name}`] })

test('processor times are measured, and the idle host is preferred', async () => {
  const load = (host: string) => (host === 'host-1' ? { user: 0.5, kernel: 0.1, iowait: 0 } : undefined)
  const options = {
    hardware: (host: string) => {
      const busy = load(host)
      return busy === undefined ? {} : { load: busy }
    },
    config: {
      DEFAULT: { compute_monitors: ['cpu.virt_driver'] },
      filter_scheduler: only('MetricsWeigher'),
      metrics: { weight_setting: ['cpu.percent=-1'] },
    },
  }
  await withCloud(options, async cloud => {
    const nodes = await cloud.store.computeNodes.list()
    const percents = nodes.map(node => node.metrics.find(metric => metric.name === 'cpu.percent')?.value)
    assert.deepEqual(percents, [60, 0])
    assert.deepEqual(new Set(nodes[0]?.metrics.map(metric => metric.source)), new Set(['fake']))
    assert.equal(await hostOf(cloud, await boot(cloud)), 'host-2')
  })
})

test('nothing is measured unless the operator wants it', async () => {
  await withCloud({}, async cloud => {
    for (const node of await cloud.store.computeNodes.list()) assert.deepEqual(node.metrics, [])
  })
})

test('image properties of the servers of a host attract their like', async () => {
  const config = { filter_scheduler: { ...only('ImagePropertiesWeigher'), image_props_weight_multiplier: 1 } }
  await withCloud({ config }, async cloud => {
    await boot(cloud, { host: 'host-2' })
    assert.equal(await hostOf(cloud, await boot(cloud)), 'host-2')
    const tallies = await cloud.store.computeNodes.imagePropertyTallies()
    assert.deepEqual([tallies.get('host-1'), tallies.get('host-2')?.get('os_distro=debian')], [undefined, 2])
  })
})

test('flavors and hints may name how many servers of a kind a host has', async () => {
  const config = { filter_scheduler: { enabled_filters: ['ComputeCapabilitiesFilter', 'JsonFilter'] } }
  await withCloud({ config }, async cloud => {
    await boot(cloud, { host: 'host-2' })
    const flavorRef = await cloud.newFlavor({ name: 'near', vcpus: 1, ram: 64, disk: 1 })
    const body = { extra_specs: { 'capabilities:num_vm_active': '>= 1' } }
    await cloud.request('POST', `/flavors/${flavorRef}/os-extra_specs`, { as: cloud.admin, body })
    assert.equal(await hostOf(cloud, await boot(cloud, { flavorRef })), 'host-2')
    const query = JSON.stringify(['>=', `$num_proj_${cloud.admin.projectId}`, 2])
    const asked = await cloud.bootServer({
      as: cloud.admin,
      version: '2.74',
      fields: { networks: 'none' },
      hints: { query },
    })
    assert.equal(await hostOf(cloud, asked), 'host-2')
  })
})
