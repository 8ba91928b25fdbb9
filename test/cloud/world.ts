/** What a contract knows of the cloud that it holds for, built in or not: its public APIs, and ours over them. */
import { randomBytes } from 'node:crypto'
import type { Caller, PlacementPort } from '#cloud'
import type { Ports } from './neighbours.ts'
import { Rest } from './rest.ts'

/** What a volume service tells Nova by os-server-external-events. */
export interface ComputeEvent {
  readonly name: string
  readonly serverId: string
}

export interface World {
  readonly ports: Ports
  readonly admin: Rest
  /** The engine that candidates are compared with: that of `ports`, where it is ours. */
  readonly engine: PlacementPort
  /** All that Nova was told so far. */
  computeEvents(): readonly ComputeEvent[]
}

/** A user who is logged in, and how Nova sees him. */
export interface Person {
  readonly name: string
  readonly rest: Rest
  readonly caller: Caller
}

/** Names of things that every user of a cloud sees, different in each run. */
export const unique = (name: string): string => `${name} ${randomBytes(4).toString('hex')}`

interface Made {
  readonly id: string
}

/** A new user with a role on a new project of the same name, which begins with `name`. */
export async function newPerson({ admin, ports }: World, wish: string, role = 'member'): Promise<Person> {
  const name = unique(wish)
  const rest = await newUser(admin, name, role)
  return { name, rest, caller: await ports.identity.validate(rest.token) }
}

export async function newUser(admin: Rest, name: string, role: string): Promise<Rest> {
  const password = randomBytes(8).toString('hex')
  const domain_id = 'default'
  const make = async (kind: string, body: object): Promise<string> => {
    const made = await admin.call<Record<string, Made>>('identity', 'POST', `/${kind}s`, { [kind]: body })
    return made[kind]?.id ?? ''
  }
  const userId = await make('user', { name, password, domain_id })
  const projectId = await make('project', { name, domain_id })
  const { roles } = await admin.call<{ roles: readonly Made[] }>('identity', 'GET', `/roles?name=${role}`)
  await admin.call('identity', 'PUT', `/projects/${projectId}/users/${userId}/roles/${roles[0]?.id}`)
  return Rest.login(admin.urlOf('identity'), name, password, name)
}

export interface NewImage {
  readonly name: string
  readonly visibility: 'public' | 'private'
  readonly disk_format: string
  readonly [property: string]: unknown
}

/** An image by the public API, active with these bits; without any it stays queued. */
export async function newImage(as: Rest, image: NewImage, bits?: Uint8Array): Promise<string> {
  const wish = { container_format: 'bare', ...image }
  const { id } = await as.call<Made>('image', 'POST', '/v2/images', wish)
  if (bits !== undefined) await as.call('image', 'PUT', `/v2/images/${id}/file`, bits)
  return id
}
