import { newUuid } from '#base'
import type { Sample } from '../../reference.ts'
import type { Prepare } from '../preparations.ts'
import type { Scene } from '../scene.ts'
import type { World } from '../world.ts'

const host = 'compute'

const oneHost: Prepare = (_world, scene) => {
  scene.ids['os-hosts'] = host
}

/** Below 2.53 hypervisors and services have numbers, then uuids. */
const knowsUuids = ({ microversion }: Sample): boolean => Number(microversion.slice(2)) >= 53

const hypervisor: Prepare = async (world, scene, sample) => {
  const node = await world.cloud.store.computeNodes.find({ host })
  if (node === undefined) throw new Error('no compute node')
  scene.ids['os-hypervisors'] = knowsUuids(sample) ? node.uuid : String(node.number)
  if (sample.file.includes('with-servers')) {
    await world.server({ availability_zone: `nova:${host}` })
    if (knowsUuids(sample)) scene.query = '?with_servers=True'
  }
  if (JSON.stringify(sample.document).includes('hypervisors_links')) scene.query = `${scene.query ?? '?'}&limit=1`
  if (knowsUuids(sample) && sample.file.includes('search')) scene.query = `?hypervisor_hostname_pattern=${host}`
}

/** With servers or without them: the node by a piece of its name. */
const hypervisorByName: Prepare = async (world, scene, sample) => {
  scene.ids['os-hypervisors'] = host
  if (sample.file.includes('with-servers')) await world.server({ availability_zone: `nova:${host}` })
  if (sample.file.includes('without-servers')) scene.ids['os-hypervisors'] = await world.emptyHost()
}

const service: Prepare = async (world, scene, sample) => {
  const found = await world.cloud.store.services.find(host, 'nova-compute')
  if (found === undefined) throw new Error('no service')
  const body = sample.document as Record<string, unknown>
  if (knowsUuids(sample)) scene.ids['os-services'] = found.uuid
  else {
    const verbs = [
      ['disable-log', 'disable-log-reason'],
      ['disable', 'disable'],
      ['enable', 'enable'],
      ['force-down', 'force-down'],
    ] as const
    const verb = verbs.find(([word]) => sample.file.includes(word))
    scene.ids['os-services'] = verb?.[1] ?? 'enable'
    scene.body = { ...body, host }
  }
  scene.after = async () => {
    const reset = { status: 'enabled', forced_down: false }
    ;(await world.ask('PUT', `/os-services/${found.uuid}`, { body: reset })).expect(200)
  }
}

let keys = 0

async function key(world: World, scene: Scene, sample: Sample): Promise<void> {
  const name = `key ${++keys}`
  ;(await world.ask('POST', '/os-keypairs', { version: '2.1', body: { keypair: { name } } })).expect(200)
  scene.ids['os-keypairs'] = name
  if (sample.file.includes('user')) scene.query = `?user_id=${world.cloud.admin.userId}`
}

async function group(world: World, scene: Scene): Promise<void> {
  const server_group = { name: 'test', policy: 'anti-affinity', rules: { max_server_per_host: 3 } }
  const made = (await world.ask('POST', '/os-server-groups', { body: { server_group } })).expect(200).body
  scene.ids['os-server-groups'] = made.server_group.id
}

const project: Prepare = (world, scene, sample) => {
  scene.ids['os-quota-sets'] = world.project
  if (sample.file.includes('user-quotas')) scene.query = `?user_id=${world.cloud.admin.userId}`
}

/** Nothing of this project's is in the way of the new limits: they are somebody else's. */
const strangersQuota: Prepare = (world, scene, sample) => {
  scene.ids['os-quota-sets'] = world.cloud.stranger.projectId
  if (sample.file.includes('user-quotas')) scene.query = `?user_id=${world.cloud.stranger.userId}`
}

const usage: Prepare = async (world, scene, sample) => {
  await world.server()
  scene.ids['os-simple-tenant-usage'] = world.project
  const paged = Number(sample.microversion.slice(2)) >= 40 ? '&limit=1' : ''
  const detail = sample.file.includes('detail') || sample.file.includes('get-all') ? '&detailed=1' : ''
  const page = sample.file.includes('all') ? '' : paged
  scene.query = `?start=2012-10-08T21:10:44.587336&end=2100-10-08T22:10:44.587336${detail}${page}`
}

export const operatorPreparations: Readonly<Record<string, Prepare>> = {
  'GET /os-hypervisors': hypervisor,
  'GET /os-hypervisors/detail': hypervisor,
  'GET /os-hypervisors/{id}': hypervisor,
  'GET /os-hypervisors/{id}/uptime': hypervisor,
  'GET /os-hypervisors/{id}/search': hypervisorByName,
  'GET /os-hypervisors/{id}/servers': hypervisorByName,
  'GET /os-hosts/{id}': oneHost,
  'PUT /os-hosts/{id}': oneHost,
  'GET /os-hosts/{id}/reboot': oneHost,
  'GET /os-hosts/{id}/shutdown': oneHost,
  'GET /os-hosts/{id}/startup': oneHost,
  'GET /os-baremetal-nodes/{id}': (_world, scene) => {
    scene.ids['os-baremetal-nodes'] = newUuid()
  },
  'PUT /os-services/{id}': service,
  'GET /os-keypairs/{id}': key,
  'GET /os-keypairs': key,
  'DELETE /os-keypairs/{id}': key,
  'POST /os-keypairs': (world, scene, sample) => {
    const { keypair } = sample.document as { keypair: Record<string, unknown> }
    const owner = keypair['user_id'] === undefined ? {} : { user_id: world.cloud.admin.userId }
    scene.body = { keypair: { ...keypair, name: `${String(keypair['name']).slice(0, 40)} ${++keys}`, ...owner } }
  },
  'GET /os-server-groups': group,
  'GET /os-server-groups/{id}': group,
  'GET /os-quota-sets/{id}': project,
  'GET /os-quota-sets/{id}/detail': project,
  'GET /os-quota-sets/{id}/defaults': project,
  'PUT /os-quota-sets/{id}': strangersQuota,
  'GET /os-quota-class-sets/{id}': (_world, scene) => {
    scene.ids['os-quota-class-sets'] = 'test_class'
  },
  'PUT /os-quota-class-sets/{id}': (_world, scene) => {
    scene.ids['os-quota-class-sets'] = 'test_class'
  },
  'GET /os-simple-tenant-usage': usage,
  'GET /os-simple-tenant-usage/{id}': usage,
  'GET /os-instance_usage_audit_log/{id}': (_world, scene) => {
    scene.ids['os-instance_usage_audit_log'] = '2012-07-05 10:00:00'
  },
}
