import type { Json } from '../../../api/harness.ts'
import { samples } from '../../reference.ts'
import type { Prepare } from '../preparations.ts'
import type { World } from '../world.ts'

/** A server that has been brought into another state by this action. */
const after =
  (body: unknown, status: string): Prepare =>
  async (world, scene) => {
    const id = await world.server()
    await world.act(id, body, status)
    scene.ids['servers'] = id
  }

async function group(world: World, name: string): Promise<void> {
  const security_group = { name, description: 'for a sample' }
  await world.cloud.neutron('POST', '/security-groups', { security_group }, world.cloud.admin)
}

let groups = 0

const withGroup: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  const name = `test ${++groups}`
  await group(world, name)
  if (sample.action === 'removeSecurityGroup') await world.act(id, { addSecurityGroup: { name } })
  scene.ids['servers'] = id
  scene.body = { [sample.action ?? '']: { name } }
}

const locked: Prepare = async (world, scene) => {
  const id = await world.server()
  await world.act(id, { lock: null })
  scene.ids['servers'] = id
}

/** The answer shows what GET shows. */
const rebuilt: Prepare = async (world, scene, sample) => {
  const reply = samples.find(
    other => other.kind === 'response' && other.file === sample.file.replace('rebuild.json', 'rebuild-resp.json'),
  )
  const { server } = (reply?.document ?? {}) as { server?: Json }
  scene.ids['servers'] = await world.serverLike(server)
  const showsAll = JSON.stringify(server ?? {}).includes('OS-EXT-SRV-ATTR:host"')
  scene.isPlainUser = Number(sample.microversion.slice(2)) >= 75 && reply !== undefined && !showsAll
}

/** Hosts keep shelved servers for a while in this world; a zone or host may be named only once they are off the host. */
const shelved: Prepare = async (world, scene, sample) => {
  await after({ shelve: null }, 'SHELVED')(world, scene, sample)
  await world.act(scene.ids['servers'] ?? '', { shelveOffload: null }, 'SHELVED_OFFLOADED')
  // Only administrators may name a host.
  scene.isPlainUser = sample.status === 403
  if (sample.file.endsWith('az-host.json')) scene.body = { unshelve: { availability_zone: 'nova', host: 'compute' } }
}

export const serverActions: Readonly<Record<string, Prepare>> = {
  'POST /servers/{id}/action os-start': after({ 'os-stop': null }, 'SHUTOFF'),
  'POST /servers/{id}/action unpause': after({ pause: null }, 'PAUSED'),
  'POST /servers/{id}/action resume': after({ suspend: null }, 'SUSPENDED'),
  'POST /servers/{id}/action unrescue': after({ rescue: null }, 'RESCUE'),
  'POST /servers/{id}/action unshelve': shelved,
  'POST /servers/{id}/action shelveOffload': after({ shelve: null }, 'SHELVED'),
  'POST /servers/{id}/action unlock': locked,
  'POST /servers/{id}/action restore': async (world, scene) => {
    const id = await world.server()
    ;(await world.ask('DELETE', `/servers/${id}`)).expect(204)
    await world.cloud.waitForStatus(id, 'SOFT_DELETED')
    scene.ids['servers'] = id
  },
  'POST /servers/{id}/action rebuild': rebuilt,
  'POST /servers/{id}/action addSecurityGroup': withGroup,
  'POST /servers/{id}/action removeSecurityGroup': withGroup,
}
