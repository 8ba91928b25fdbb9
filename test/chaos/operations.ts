import type { Json } from './client.ts'
import type { Dice } from './dice.ts'
import type { World } from './world.ts'

/** A server as the API shows it. */
export type Shown = Json

export interface Scene {
  readonly server: Shown
  readonly world: World
  readonly dice: Dice
  /** Volumes of the world that this server has now, and those that no server has. */
  readonly attached: readonly string[]
  readonly free: readonly string[]
  readonly hostCount: number
  /** Ports of the server. */
  readonly ports: readonly string[]
  /** Hosts whose nova-compute is dead and counts as down. */
  readonly down: ReadonlySet<string>
}

export interface Ask {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  /** Below the server's own path. */
  readonly path: string
  readonly body?: Json
}

export interface Operation {
  readonly name: string
  readonly weight: number
  readonly from: readonly string[]
  /** The status when it is done; `gone` when there is no server any more; none: as before. */
  readonly ends?: readonly string[]
  /** Undefined: there is nothing to do it with. */
  readonly ask: (scene: Scene) => Ask | undefined
}

const action = (body: Json): Ask => ({ method: 'POST', path: '/action', body })
const plain = (body: Json) => () => action(body)

const up = ['ACTIVE', 'SHUTOFF']
const held = ['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED']
const pluggable = ['ACTIVE', 'SHUTOFF', 'PAUSED']
const any = [...held, 'RESCUE', 'VERIFY_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SOFT_DELETED', 'ERROR']
const shelf = ['SHELVED', 'SHELVED_OFFLOADED']

const power: readonly Operation[] = [
  { name: 'stop', weight: 4, from: ['ACTIVE'], ends: ['SHUTOFF'], ask: plain({ 'os-stop': null }) },
  { name: 'start', weight: 8, from: ['SHUTOFF'], ends: ['ACTIVE'], ask: plain({ 'os-start': null }) },
  { name: 'soft reboot', weight: 2, from: ['ACTIVE'], ask: plain({ reboot: { type: 'SOFT' } }) },
  {
    name: 'hard reboot',
    weight: 3,
    from: [...held, 'ERROR'],
    ends: ['ACTIVE'],
    ask: plain({ reboot: { type: 'HARD' } }),
  },
  { name: 'pause', weight: 3, from: ['ACTIVE'], ends: ['PAUSED'], ask: plain({ pause: null }) },
  { name: 'unpause', weight: 10, from: ['PAUSED'], ends: ['ACTIVE'], ask: plain({ unpause: null }) },
  { name: 'suspend', weight: 3, from: ['ACTIVE'], ends: ['SUSPENDED'], ask: plain({ suspend: null }) },
  { name: 'resume', weight: 10, from: ['SUSPENDED'], ends: ['ACTIVE'], ask: plain({ resume: null }) },
  { name: 'rescue', weight: 3, from: up, ends: ['RESCUE'], ask: plain({ rescue: {} }) },
  { name: 'unrescue', weight: 10, from: ['RESCUE'], ends: ['ACTIVE'], ask: plain({ unrescue: null }) },
  { name: 'password', weight: 1, from: ['ACTIVE'], ask: plain({ changePassword: { adminPass: 'a new one' } }) },
  { name: 'crash dump', weight: 1, from: ['ACTIVE', 'PAUSED'], ask: plain({ trigger_crash_dump: null }) },
]

const moved = ['VERIFY_RESIZE']

const moves: readonly Operation[] = [
  {
    name: 'resize',
    weight: 5,
    from: up,
    ends: moved,
    ask: ({ server, world }) => {
      const other = world.flavors.find(id => server.flavor.original_name !== nameOf(world, id))
      return other === undefined ? undefined : action({ resize: { flavorRef: other } })
    },
  },
  {
    name: 'migrate',
    weight: 4,
    from: up,
    ends: moved,
    ask: ({ hostCount }) => (hostCount > 1 ? action({ migrate: null }) : undefined),
  },
  { name: 'confirm', weight: 10, from: moved, ends: up, ask: plain({ confirmResize: null }) },
  { name: 'revert', weight: 10, from: moved, ends: up, ask: plain({ revertResize: null }) },
  {
    name: 'live migrate',
    weight: 5,
    from: ['ACTIVE', 'PAUSED'],
    ask: ({ hostCount }) =>
      hostCount > 1 ? action({ 'os-migrateLive': { host: null, block_migration: 'auto' } }) : undefined,
  },
  {
    name: 'evacuate',
    weight: 40,
    from: [...up, 'ERROR'],
    ends: up,
    ask: ({ server, down }) => (down.has(server['OS-EXT-SRV-ATTR:host']) ? action({ evacuate: {} }) : undefined),
  },
]

const nameOf = (world: World, flavorId: string): string =>
  world.flavors.indexOf(flavorId) === 0 ? 'chaos.small' : 'chaos.large'

const contents: readonly Operation[] = [
  {
    name: 'rebuild',
    weight: 4,
    from: [...up, 'ERROR'],
    ends: up,
    ask: ({ world, dice }) => action({ rebuild: { imageRef: dice.pick(world.images) } }),
  },
  {
    name: 'snapshot',
    weight: 3,
    from: held,
    ask: ({ dice }) => image('createImage', { name: `snap-${dice.whole(0, 1e6)}` }),
  },
  {
    name: 'backup',
    weight: 3,
    from: held,
    ask: ({ server }) => image('createBackup', { name: `${server.name}-backup`, backup_type: 'daily', rotation: 2 }),
  },
  { name: 'shelve', weight: 4, from: held, ends: shelf, ask: plain({ shelve: null }) },
  { name: 'offload', weight: 4, from: ['SHELVED'], ends: ['SHELVED_OFFLOADED'], ask: plain({ shelveOffload: null }) },
  { name: 'unshelve', weight: 12, from: shelf, ends: ['ACTIVE'], ask: plain({ unshelve: null }) },
]

const image = (name: string, body: Json): Ask => action({ [name]: body })

const parts: readonly Operation[] = [
  {
    name: 'attach volume',
    weight: 6,
    from: [...pluggable, 'SHELVED_OFFLOADED'],
    ask: ({ free, dice }) => {
      const volumeId = dice.pick(free)
      if (volumeId === undefined) return undefined
      return { method: 'POST', path: '/os-volume_attachments', body: { volumeAttachment: { volumeId } } }
    },
  },
  {
    name: 'detach volume',
    weight: 6,
    from: [...pluggable, 'SHELVED_OFFLOADED'],
    ask: ({ attached, dice }) => {
      const id = dice.pick(attached)
      return id === undefined ? undefined : { method: 'DELETE', path: `/os-volume_attachments/${id}` }
    },
  },
  {
    name: 'swap volume',
    weight: 4,
    from: ['ACTIVE', 'PAUSED'],
    ask: ({ attached, free, dice }) => {
      const [id, volumeId] = [dice.pick(attached), dice.pick(free)]
      if (id === undefined || volumeId === undefined) return undefined
      return { method: 'PUT', path: `/os-volume_attachments/${id}`, body: { volumeAttachment: { volumeId } } }
    },
  },
  {
    name: 'attach interface',
    weight: 4,
    from: pluggable,
    ask: ({ world, ports }) =>
      ports.length > 3
        ? undefined
        : { method: 'POST', path: '/os-interface', body: { interfaceAttachment: { net_id: world.networkId } } },
  },
  {
    name: 'detach interface',
    weight: 3,
    from: pluggable,
    ask: ({ ports, dice }) => {
      const id = dice.pick(ports)
      return id === undefined || ports.length < 2 ? undefined : { method: 'DELETE', path: `/os-interface/${id}` }
    },
  },
]

const ends: readonly Operation[] = [
  {
    name: 'soft delete',
    weight: 2,
    from: any.filter(status => status !== 'SOFT_DELETED'),
    ends: ['SOFT_DELETED', 'gone'],
    ask: () => ({ method: 'DELETE', path: '' }),
  },
  {
    name: 'restore',
    weight: 12,
    from: ['SOFT_DELETED'],
    // One that was offloaded comes back to the shelf.
    ends: ['ACTIVE', 'SHELVED_OFFLOADED'],
    ask: plain({ restore: null }),
  },
  { name: 'force delete', weight: 2, from: any, ends: ['gone'], ask: plain({ forceDelete: null }) },
]

export const operations: readonly Operation[] = [...power, ...moves, ...contents, ...parts, ...ends]

export const forceDelete: Operation = ends.find(({ name }) => name === 'force delete') as Operation
