import type { Prepare } from '../preparations.ts'
import type { Scene } from '../scene.ts'
import type { World } from '../world.ts'

let made = 100

async function flavor(world: World, scene: Scene, fields: object = {}): Promise<void> {
  const id = String(++made)
  const body = { flavor: { name: `flavor ${id}`, ram: 512, vcpus: 1, disk: 1, id, ...fields } }
  ;(await world.ask('POST', '/flavors', { body })).expect(200)
  scene.ids['flavors'] = id
}

const isPublic = { 'os-flavor-access:is_public': true }
const isPrivate = { 'os-flavor-access:is_public': false }

const withAccess = async (world: World, scene: Scene): Promise<void> => {
  await flavor(world, scene, isPrivate)
  const body = { addTenantAccess: { tenant: world.project } }
  ;(await world.ask('POST', `/flavors/${scene.ids['flavors']}/action`, { body, version: '2.1' })).expect(200)
}

const withSpecs: Prepare = async (world, scene) => {
  await flavor(world, scene)
  const body = { extra_specs: { 'hw:numa_nodes': '1', 'hw:cpu_policy': 'shared', key1: 'value1' } }
  ;(await world.ask('POST', `/flavors/${scene.ids['flavors']}/os-extra_specs`, { body })).expect(200)
  scene.ids['os-extra_specs'] = 'hw:numa_nodes'
}

export const flavorPreparations: Readonly<Record<string, Prepare>> = {
  'POST /flavors': (_world, scene, sample) => {
    const { flavor: asked } = sample.document as { flavor: Record<string, unknown> }
    const id = String(++made)
    scene.body = { flavor: { ...asked, id, name: `test_flavor ${id}` } }
  },
  'GET /flavors/{id}': (world, scene) => flavor(world, scene),
  'PUT /flavors/{id}': (world, scene) => flavor(world, scene),
  // The sample of 2.7 shows that a public flavor needs no access.
  'POST /flavors/{id}/action addTenantAccess': (world, scene, sample) =>
    flavor(world, scene, sample.status === 409 ? isPublic : isPrivate),
  'POST /flavors/{id}/action removeTenantAccess': withAccess,
  'GET /flavors/{flavor_id}/os-flavor-access': withAccess,
  'GET /flavors/{flavor_id}/os-extra_specs': withSpecs,
  'POST /flavors/{flavor_id}/os-extra_specs': (world, scene) => flavor(world, scene),
  'GET /flavors/{flavor_id}/os-extra_specs/{id}': withSpecs,
  'PUT /flavors/{flavor_id}/os-extra_specs/{id}': (world, scene, sample) => {
    const [key = ''] = Object.keys(sample.document as object)
    scene.ids['os-extra_specs'] = key
    return flavor(world, scene)
  },
}
