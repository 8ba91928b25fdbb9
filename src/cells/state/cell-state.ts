import type { Clock } from '#base'
import type { CellView, OwnCellView } from '#bus'
import { parseTransportUrl } from '#bus'
import type { CellCapabilities, CellCapacities } from '#model'
import type { ChildState, NovaCells, Sizes, Store } from '#store'
import { hypervisorVersionKey, unionOf } from '../capacity/capabilities.ts'
import { ownHosts } from '../capacity/own-hosts.ts'
import { roomOn, sumOfRoom } from '../capacity/room.ts'
import { pathOf } from '../names.ts'
import type { CellCandidate } from '../scheduler/candidate.ts'
import type { CellTree } from '../tree/tree.ts'

export interface CellStateParts {
  readonly tree: CellTree
  /** With the flavors. */
  readonly store: Store
  /** With the hosts. */
  readonly stores: () => Promise<readonly Store[]>
  readonly cells: NovaCells
  readonly clock: Clock
  readonly type: 'api' | 'compute'
  /** Of this cell itself, as configured. */
  readonly capabilities: CellCapabilities
  readonly reservePercent: number
  readonly muteAfterMs: number
  readonly serviceDownTimeMs: number
}

const mbPerGiB = 1024

/** What this cell has, and what the cells below have told of themselves. */
export class CellState {
  readonly #p: CellStateParts

  constructor(parts: CellStateParts) {
    this.#p = parts
  }

  /** Of the flavors here, and of those that cells above have. */
  async sizes(): Promise<Sizes> {
    const { store, cells, clock } = this.#p
    const flavors = await store.mayLag('reports').flavors.list({ sort: [] })
    const kept = await cells.sizes.list(clock.now())
    const disk = flavors.map(({ rootGiB, ephemeralGiB }) => (rootGiB + ephemeralGiB) * mbPerGiB)
    return {
      ram: [...new Set([...flavors.map(f => f.memoryMiB), ...kept.ram])],
      disk: [...new Set([...disk, ...kept.disk])],
    }
  }

  async own(): Promise<OwnCellView> {
    const { tree, type } = this.#p
    const [mine, children] = await Promise.all([this.#mine(), this.#children()])
    const told = children.flatMap(({ state }) => state?.capacities ?? [])
    return {
      name: tree.ownName,
      type,
      capabilities: unionOf([mine.capabilities, ...children.map(child => child.capabilities)]),
      capacities: sumOfRoom([mine.capacities, ...told]),
    }
  }

  async neighbours(): Promise<readonly CellView[]> {
    const children = new Map((await this.#children()).map(child => [child.name, child]))
    return this.#p.tree.neighbours.map(({ name, isParent, transportUrl }) => {
      const [host] = parseTransportUrl(transportUrl).hosts
      const child = children.get(name)
      return {
        name,
        type: isParent ? 'parent' : 'child',
        rpcHost: host?.host ?? null,
        rpcPort: host?.port ?? null,
        username: host?.user ?? null,
        capabilities: child?.capabilities ?? {},
        capacities: child?.state?.capacities ?? null,
        isMute: child?.isMute ?? false,
      }
    })
  }

  /** The children, and this cell if it has hosts. `routingPath` is this cell's, from the first. */
  async candidates(routingPath: string): Promise<readonly CellCandidate[]> {
    const [mine, children] = await Promise.all([this.#mine(), this.#children()])
    const below = children.map(
      ({ name, isMute, capabilities, state, weightOffset }): CellCandidate => ({
        name,
        path: pathOf(routingPath, name),
        isOwn: false,
        capabilities,
        capacities: state?.capacities ?? null,
        weightOffset,
        isMute,
      }),
    )
    const { tree } = this.#p
    const self = { name: tree.ownName, path: routingPath, isOwn: true, weightOffset: 0, isMute: false, ...mine }
    return mine.hasHosts ? [...below, self] : below
  }

  async #mine(): Promise<{ hasHosts: boolean; capabilities: CellCapabilities; capacities: CellCapacities }> {
    const { stores, clock, serviceDownTimeMs, reservePercent, capabilities } = this.#p
    const { rooms, hypervisorVersion } = await ownHosts(await stores(), clock.now(), serviceDownTimeMs)
    const version = hypervisorVersion === undefined ? {} : { [hypervisorVersionKey]: [hypervisorVersion] }
    return {
      hasHosts: rooms.length > 0,
      capabilities: { ...capabilities, ...version },
      capacities: roomOn(rooms, await this.sizes(), reservePercent),
    }
  }

  async #children(): Promise<readonly Child[]> {
    const { tree, cells, clock, muteAfterMs } = this.#p
    const states = new Map((await cells.children.list()).map(state => [state.name, state]))
    return tree.children.map(({ name, weightOffset }) => {
      const state = states.get(name)
      const isMute = state === undefined || clock.now() - state.lastSeenAtMs > muteAfterMs
      // What a mute child can do nobody knows.
      return { name, weightOffset, state, isMute, capabilities: isMute ? {} : (state.capabilities ?? {}) }
    })
  }
}

interface Child {
  readonly name: string
  readonly weightOffset: number
  /** Undefined: it has never been heard. */
  readonly state: ChildState | undefined
  readonly isMute: boolean
  readonly capabilities: CellCapabilities
}
