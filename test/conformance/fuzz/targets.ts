import { newUuid, waitFor } from '#base'
import type { Json } from '../../api/harness.ts'
import type { Sample } from '../reference.ts'
import { type Scene, sceneFor } from '../samples/scene.ts'
import { things } from '../samples/things.ts'
import type { World } from '../samples/world.ts'

const patience = { deadlineMs: 60_000, everyMs: 5 } as const

/** Things for the names in a path that may be spoiled or deleted without harm to the rest of the world. */
const expendable: typeof things = {
  ...things,
  images: world => world.spareImage(),
  'os-quota-sets': world => world.cloud.stranger.projectId,
  'os-networks': world => world.cloud.newNetwork('spare', '10.99.0.0/24', world.cloud.admin),
  'os-tenant-networks': world => world.cloud.newNetwork('spare', '10.99.0.0/24', world.cloud.admin),
  'os-services': () => newUuid(),
}

/** What requests are about. Things are made when first needed and kept until a request that was accepted may have changed them. */
export class Targets {
  readonly scene: Scene = { ids: {} }
  readonly #world: World
  isUsed = false
  #accepted = 0

  constructor(world: World) {
    this.#world = world
  }

  /** A server in the state that the action is for. */
  async prepare(sample: Sample): Promise<void> {
    const { ids, body } = await sceneFor(this.#world, sample)
    Object.assign(this.scene.ids, ids)
    if (body === undefined) delete this.scene.body
    else this.scene.body = body
    this.isUsed = true
  }

  /** The words of the path, ids in the place of names. */
  async words(sample: Sample): Promise<string[]> {
    const { ids } = this.scene
    const words = sample.path.split('/').slice(1)
    const segments = [...words.entries()].filter(([i]) => words[i + 1]?.startsWith('{')).map(([, word]) => word)
    // The parts of a server come after it.
    for (const segment of segments) {
      if (ids[segment] !== undefined) continue
      ids[segment] = await expendable[segment]?.(this.#world, this.scene)
      this.isUsed ||= segment !== 'servers'
    }
    if (segments.includes('os-volumes_boot')) ids['servers'] = ids['os-volumes_boot']
    return words.map((word, i) => (word.startsWith('{') ? encodeURIComponent(ids[words[i - 1] ?? ''] ?? '1') : word))
  }

  /** After a request that was accepted: all is at rest, and what may have suffered is given up. */
  async settle(method: string): Promise<void> {
    const { ids } = this.scene
    const server = ids['servers']
    await this.atRest()
    const isWhole = server !== undefined && method !== 'DELETE' && (await this.#isWell(server))
    const kept = isWhole ? { servers: server } : {}
    for (const segment of Object.keys(ids)) delete ids[segment]
    Object.assign(ids, kept)
    this.isUsed = true
    // Quotas of the neighbours are ten.
    if (++this.#accepted % 6 === 0) await this.clear()
  }

  async #isWell(id: string): Promise<boolean> {
    const { status, body } = await this.#world.ask('GET', `/servers/${id}`)
    return status === 200 && body.server.status === 'ACTIVE' && body.server.locked === false
  }

  /** No server has a task, no volume is on its way. */
  async atRest(): Promise<void> {
    const { volumes } = this.#world.cloud.deps
    const isIdle = async () => {
      const { servers } = (await this.#world.ask('GET', '/servers/detail?all_tenants=1')).expect(200).body
      const stored = [...(await volumes.list('service')), ...(await volumes.listSnapshots('service'))]
      const isMoving = stored.some(({ status }) => status.endsWith('ing'))
      return !isMoving && servers.every((server: Json) => server['OS-EXT-STS:task_state'] === null) ? true : undefined
    }
    await waitFor('servers and volumes to be at rest', isIdle, patience)
  }

  /** Everything is deleted; hosts work as before. */
  async clear(): Promise<void> {
    const { scene } = this
    for (const segment of Object.keys(scene.ids)) delete scene.ids[segment]
    delete scene.body
    await this.#world.tidy()
    this.isUsed = false
  }
}
