import { HypervisorError } from '#virt'
import type { FakeOperation } from '../../src/virt/fake/faults-plan.ts'
import type { Answer, ApiCloud, Person } from '../api/harness.ts'

/** Whole numbers below `n`, elements of a list: everything random comes from one seed. */
export class Dice {
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  of<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)]
  }
}

export interface Seen {
  readonly id: string
  readonly status: string
  readonly taskState: string | null
  readonly host: string | null
}

/** The world that deeds are done to, and what the simulation remembers of it. */
export interface Stage {
  readonly cloud: ApiCloud
  readonly dice: Dice
  readonly flavorIds: readonly string[]
  readonly groupIds: readonly string[]
  readonly hosts: readonly string[]
  /** Hosts whose nova-compute is dead. */
  readonly dead: Set<string>
  readonly disabled: Set<string>
  /** What was done, for whoever reads a failure. */
  readonly diary: string[]
}

export type Deed = (stage: Stage, servers: readonly Seen[]) => Promise<void>

async function send(stage: Stage, method: string, path: string, body?: unknown, as?: Person): Promise<Answer> {
  const { cloud, diary } = stage
  const person = as ?? cloud.admin
  const answer = await cloud.request(method, path, {
    version: '2.90',
    as: person,
    ...(body === undefined ? {} : { body }),
  })
  diary.push(`${method} ${path} ${body === undefined ? '' : JSON.stringify(body)} -> ${answer.status}`)
  if (answer.status >= 500) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer
}

const create: Deed = async stage => {
  const { cloud, dice, flavorIds, groupIds } = stage
  const group = dice.chance(0.3) ? dice.of(groupIds) : undefined
  const server = {
    name: 'simulated',
    imageRef: cloud.imageId,
    flavorRef: dice.of(flavorIds),
    networks: [{ uuid: cloud.networkId }],
    min_count: 1,
    max_count: 1 + dice.below(3),
    ...(dice.chance(0.2) ? { availability_zone: 'west' } : {}),
  }
  const hints = group === undefined ? {} : { 'os:scheduler_hints': { group } }
  await send(stage, 'POST', '/servers', { server, ...hints }, cloud.member)
}

const of = (servers: readonly Seen[], ...statuses: readonly string[]) =>
  servers.filter(server => statuses.includes(server.status))

const act =
  (statuses: readonly string[], body: (stage: Stage) => Readonly<Record<string, unknown>>): Deed =>
  async (stage, servers) => {
    const server = stage.dice.of(of(servers, ...statuses))
    if (server !== undefined) await send(stage, 'POST', `/servers/${server.id}/action`, body(stage))
  }

const remove: Deed = async (stage, servers) => {
  const server = stage.dice.of(servers)
  if (server !== undefined) await send(stage, 'DELETE', `/servers/${server.id}`)
}

/** The compute process of a host dies; nobody is told. */
const hostDies: Deed = async stage => {
  const host = stage.dice.of(stage.hosts)
  if (host === undefined || stage.dead.has(host) || stage.dead.size > stage.hosts.length / 10) return
  await stage.cloud.stopHost(host)
  stage.dead.add(host)
  stage.diary.push(`${host} died`)
}

const hostReturns: Deed = async stage => {
  const host = stage.dice.of([...stage.dead])
  if (host === undefined) return
  await stage.cloud.startHost(host)
  stage.dead.delete(host)
  stage.diary.push(`${host} came back`)
}

const evacuate: Deed = async (stage, servers) => {
  const lost = of(servers, 'ACTIVE', 'SHUTOFF', 'ERROR').filter(({ host }) => host !== null && stage.dead.has(host))
  const server = stage.dice.of(lost)
  if (server !== undefined) await send(stage, 'POST', `/servers/${server.id}/action`, { evacuate: {} })
}

const toggleService: Deed = async stage => {
  const host = stage.dice.of(stage.hosts)
  if (host === undefined) return
  const isDisabled = stage.disabled.has(host)
  const service = (await stage.cloud.store.services.find(host, 'nova-compute'))?.uuid
  await send(stage, 'PUT', `/os-services/${service}`, { status: isDisabled ? 'enabled' : 'disabled' })
  if (isDisabled) stage.disabled.delete(host)
  else stage.disabled.add(host)
}

const breakable: readonly FakeOperation[] = [
  'spawn',
  'start',
  'stop',
  'destroy',
  'offer',
  'receive',
  'confirm',
  'revert',
  'prepareIncoming',
  'send',
  'forget',
  'snapshot',
  'suspend',
  'rebuild',
]

const hypervisorFails: Deed = async stage => {
  const [host, operation] = [stage.dice.of(stage.hosts), stage.dice.of(breakable)]
  if (host === undefined || operation === undefined) return
  const fault = HypervisorError({ operation, reason: 'the dice say so' })
  stage.cloud.drivers.get(host)?.failNext(operation, fault)
  stage.diary.push(`${host}: the next ${operation} will fail`)
}

/** Each deed with how often it is done. */
export const deeds: readonly (readonly [number, Deed])[] = [
  [30, create],
  [12, remove],
  [8, act(['ACTIVE', 'SHUTOFF'], ({ flavorIds, dice }) => ({ resize: { flavorRef: dice.of(flavorIds) } }))],
  [6, act(['ACTIVE', 'SHUTOFF'], () => ({ migrate: null }))],
  [8, act(['VERIFY_RESIZE'], () => ({ confirmResize: null }))],
  [6, act(['VERIFY_RESIZE'], () => ({ revertResize: null }))],
  [8, act(['ACTIVE', 'PAUSED'], () => ({ 'os-migrateLive': { host: null, block_migration: 'auto' } }))],
  [5, act(['ACTIVE'], () => ({ 'os-stop': null }))],
  [5, act(['SHUTOFF'], () => ({ 'os-start': null }))],
  [3, act(['ACTIVE'], () => ({ suspend: null }))],
  [3, act(['SUSPENDED'], () => ({ resume: null }))],
  [3, act(['ACTIVE'], () => ({ pause: null }))],
  [3, act(['PAUSED'], () => ({ unpause: null }))],
  [4, act(['ACTIVE', 'SHUTOFF'], () => ({ shelve: null }))],
  [4, act(['SHELVED_OFFLOADED'], () => ({ unshelve: null }))],
  [3, act(['ACTIVE', 'SHUTOFF', 'ERROR'], ({ cloud }) => ({ rebuild: { imageRef: cloud.imageId } }))],
  [3, hostDies],
  [3, hostReturns],
  [8, evacuate],
  [2, toggleService],
  [10, hypervisorFails],
]
