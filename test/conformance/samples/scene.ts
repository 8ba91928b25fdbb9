import type { Answer } from '../../api/answer.ts'
import type { Json } from '../../api/harness.ts'
import { nameless, routeOf, type Sample } from '../reference.ts'
import { preparations } from './preparations.ts'
import { things } from './things.ts'
import type { World } from './world.ts'

/** What one sample's request needs to be sent in this cloud: the ids of things that are in the state that it wants. */
export interface Scene {
  /** Values for the names in braces of the path, by the segment before them: `servers`, `os-keypairs`, … */
  readonly ids: Record<string, string | undefined>
  /** Appended to the path, as `?limit=1`. */
  query?: string
  /** Takes the place of the sample's body. */
  body?: Json
  /** Not the administrator: a user without rights in the same project. */
  isPlainUser?: boolean
  /** Puts back what others need. */
  after?: (answer: Answer | undefined) => Promise<void>
  /** The keys of the whole reply are data. */
  isMap?: boolean
}

export const routeKey = ({ method, path, action }: Sample): string =>
  [method, path, ...(action === undefined ? [] : [action])].join(' ')

/** Names of path parameters do not matter. */
const byRoute = new Map(Object.entries(preparations).map(([route, prepare]) => [nameless(route), prepare]))

/** The route's own preparation, and for ids that it leaves open a thing of that kind. */
export async function sceneFor(world: World, sample: Sample): Promise<Scene> {
  const scene: Scene = { ids: {} }
  // An old name of /servers.
  const known = { ...sample, path: sample.path.replace('/os-volumes_boot', '/servers') }
  await byRoute.get(routeOf(known))?.(world, scene, known)
  scene.ids['os-volumes_boot'] = scene.ids['servers']
  for (const [, segment = ''] of sample.path.matchAll(/([^/]+)\/\{/g)) {
    scene.ids[segment] ??= await things[segment]?.(world, scene)
  }
  return scene
}

/** `/servers/{id}/metadata/{key}` with ids for the names. */
export function pathOf(sample: Sample, scene: Scene): string {
  const words = sample.path.split('/')
  const filled = words.map((word, i) => {
    if (!word.startsWith('{')) return word
    const before = words[i - 1] ?? ''
    const id = scene.ids[before]
    if (id === undefined) throw new Error(`no id for ${before} of ${routeKey(sample)} (${sample.file})`)
    return encodeURIComponent(id)
  })
  return filled.join('/') + (scene.query ?? '')
}
