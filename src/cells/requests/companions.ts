import { isRecord, type JsonRecord } from '#base'
import type { FarRequest } from '#bus'
import { type Flavor, FlavorNotFound, KeypairNotFound, type ServerGroup } from '#model'
import type { Keypair, Store } from '#store'
import { dictionary, listOf, nullable, object, type Schema, text } from '../messages/schema.ts'

/** A flavor with the projects that may use it when it is private. */
export interface CarriedFlavor extends Omit<Flavor, 'number'> {
  readonly projects: readonly string[]
}
export type CarriedKeypair = Omit<Keypair, 'number'>
export type CarriedGroup = Omit<ServerGroup, 'number' | 'members'>

/** What a request names and the far cell may not have: it goes with the request. */
export interface Companions {
  readonly flavors: readonly CarriedFlavor[]
  readonly keypairs: readonly CarriedKeypair[]
  readonly serverGroups: readonly CarriedGroup[]
}

const number: Schema = { type: 'number' }
const boolean: Schema = { type: 'boolean' }

export const companionsShape: Schema = object({
  flavors: listOf(
    object({
      flavorId: text,
      name: text,
      memoryMiB: number,
      vcpus: number,
      rootGiB: number,
      ephemeralGiB: number,
      swapMiB: number,
      rxtxFactor: number,
      isPublic: boolean,
      isDisabled: boolean,
      description: nullable(text),
      extraSpecs: dictionary(text),
      projects: listOf(text),
    }),
  ),
  keypairs: listOf(
    object({ userId: text, name: text, type: text, publicKey: text, fingerprint: text, createdAtMs: number }),
  ),
  serverGroups: listOf(
    object({ id: text, name: text, projectId: text, userId: text, policy: text, rules: { type: 'object' } }),
  ),
})

interface Named {
  readonly flavors: readonly string[]
  readonly keys: readonly string[]
  readonly groups: readonly string[]
}

const textOf = (value: unknown): readonly string[] => (typeof value === 'string' && value !== '' ? [value] : [])

/** A flavor may be named by its address. */
const lastWord = (reference: string): string => reference.split('/').at(-1) ?? ''

function hintsOf(body: JsonRecord): JsonRecord {
  for (const name of ['os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints']) {
    const hints = body[name]
    if (isRecord(hints)) return hints
  }
  return {}
}

/** By the words of the Compute API, at any of its versions: who means something else by them gets a 400 there. */
function namedIn(body: unknown): Named {
  const none = { flavors: [], keys: [], groups: [] }
  if (!isRecord(body)) return none
  const members = ['server', 'resize', 'rebuild'].flatMap(name => {
    const member = body[name]
    return isRecord(member) ? [member] : []
  })
  return {
    flavors: members.flatMap(member => textOf(member['flavorRef']).map(lastWord)),
    keys: members.flatMap(member => textOf(member['key_name'])),
    groups: textOf(hintsOf(body)['group']),
  }
}

async function orNone<T>(work: Promise<T>): Promise<readonly T[]> {
  try {
    return [await work]
  } catch (error) {
    // The far cell says what is wrong with the request.
    if (FlavorNotFound.is(error) || KeypairNotFound.is(error)) return []
    throw error
  }
}

async function flavorOf(store: Store, id: string): Promise<CarriedFlavor> {
  const stored = await store.flavors.get(id)
  const { number: _, createdAtMs: __, updatedAtMs: ___, ...flavor } = stored
  return { ...flavor, projects: await store.flavors.projects(stored) }
}

async function keypairOf(store: Store, userId: string, name: string): Promise<CarriedKeypair> {
  const { number: _, ...keypair } = await store.keypairs.get(userId, name)
  return keypair
}

/** What this cell has of what the request names. */
export async function companionsOf(store: Store, { body, caller }: FarRequest): Promise<Companions> {
  const { flavors, keys, groups } = namedIn(body)
  const found = await Promise.all(groups.map(id => store.serverGroups.find(id)))
  return {
    flavors: (await Promise.all(flavors.map(id => orNone(flavorOf(store, id))))).flat(),
    keypairs: (await Promise.all(keys.map(name => orNone(keypairOf(store, caller.userId, name))))).flat(),
    serverGroups: found.flatMap(group => {
      if (group === undefined) return []
      const { number: _, members: __, ...carried } = group
      return [carried]
    }),
  }
}
