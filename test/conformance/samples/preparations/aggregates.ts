import type { Prepare } from '../preparations.ts'
import type { World } from '../world.ts'

let made = 0

/** A zone of its own: a host may be in one zone only. */
async function aggregate(world: World, host?: string): Promise<string> {
  const body = { aggregate: { name: `aggregate ${++made}` } }
  const { id } = (await world.ask('POST', '/os-aggregates', { body })).expect(200).body.aggregate
  if (host !== undefined) {
    ;(await world.ask('POST', `/os-aggregates/${id}/action`, { body: { add_host: { host } } })).expect(200)
  }
  return String(id)
}

const empty: Prepare = async (world, scene) => {
  scene.ids['os-aggregates'] = await aggregate(world)
}

const withHost: Prepare = async (world, scene) => {
  scene.ids['os-aggregates'] = await aggregate(world, 'compute')
}

const renamed: Prepare = async (world, scene, sample) => {
  await empty(world, scene, sample)
  const { aggregate: asked } = sample.document as { aggregate: Record<string, unknown> }
  scene.body = { aggregate: { ...asked, name: `renamed ${++made}` } }
  scene.after = async () => {
    await world.ask('DELETE', `/os-aggregates/${scene.ids['os-aggregates']}`)
  }
}

export const aggregatePreparations: Readonly<Record<string, Prepare>> = {
  'POST /os-aggregates': (world, scene, sample) => {
    const { aggregate: asked } = sample.document as { aggregate: Record<string, unknown> }
    scene.body = { aggregate: { ...asked, name: `name ${++made}` } }
    // Its zone must not become one that servers ask for.
    scene.after = async answer => {
      await world.ask('DELETE', `/os-aggregates/${answer?.body?.aggregate?.id}`)
    }
  },
  'GET /os-aggregates/{id}': empty,
  'PUT /os-aggregates/{id}': renamed,
  'POST /os-aggregates/{id}/action add_host': empty,
  // The host that the bodies name.
  'POST /os-aggregates/{id}/action remove_host': async (world, scene) => {
    scene.ids['os-aggregates'] = await aggregate(world, 'host1')
  },
  'POST /os-aggregates/{id}/action set_metadata': empty,
  'POST /os-aggregates/{id}/images': withHost,
}
