import { HypervisorError } from '#virt'
import type { FakeOperation } from '../../src/virt/fake/faults-plan.ts'
import type { Answer, ApiCloud, Person } from '../api/harness.ts'
import type { Dice } from '../chaos/dice.ts'

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
  const group = dice.chance(0.3) ? dice.pick(groupIds) : undefined
  const server = {
    name: 'simulated',
    imageRef: cloud.imageId,
    flavorRef: dice.pick(flavorIds),
    networks: [{ uuid: cloud.networkId }],
    min_count: 1,
    max_count: dice.whole(1, 3),
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
    const server = stage.dice.pick(of(servers, ...statuses))
    if (server !== undefined) await send(stage, 'POST', `/servers/${server.id}/action`, body(stage))
  }

const remove: Deed = async (stage, servers) => {
  const server = stage.dice.pick(servers)
  if (server !== undefined) await send(stage, 'DELETE', `/servers/${server.id}`)
}

/** The compute process of a host dies; nobody is told. */
const hostDies: Deed = async stage => {
  const host = stage.dice.pick(stage.hosts)
  if (host === undefined || stage.dead.has(host) || stage.dead.size > stage.hosts.length / 10) return
  await stage.cloud.stopHost(host)
  stage.dead.add(host)
  stage.diary.push(`${host} died`)
}

const hostReturns: Deed = async stage => {
  const host = stage.dice.pick([...stage.dead])
  if (host === undefined) return
  await stage.cloud.startHost(host)
  stage.dead.delete(host)
  stage.diary.push(`${host} came back`)
}

const evacuate: Deed = async (stage, servers) => {
  const lost = of(servers, 'ACTIVE', 'SHUTOFF', 'ERROR').filter(({ host }) => host !== null && stage.dead.has(host))
  const server = stage.dice.pick(lost)
  if (server !== undefined) await send(stage, 'POST', `/servers/${server.id}/action`, { evacuate: {} })
}

const toggleService: Deed = async stage => {
  const host = stage.dice.pick(stage.hosts)
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
  const [host, operation] = [stage.dice.pick(stage.hosts), stage.dice.pick(breakable)]
  if (host === undefined || operation === undefined) return
  const fault = HypervisorError({ operation, reason: 'the dice say so' })
  stage.cloud.drivers.get(host)?.failNext(operation, fault)
  stage.diary.push(`${host}: the next ${operation} will fail`)
}

/** Each deed with how often it is done. */
export const deeds: readonly { readonly weight: number; readonly deed: Deed }[] = [
  { weight: 30, deed: create },
  { weight: 12, deed: remove },
  {
    weight: 8,
    deed: act(['ACTIVE', 'SHUTOFF'], ({ flavorIds, dice }) => ({ resize: { flavorRef: dice.pick(flavorIds) } })),
  },
  { weight: 6, deed: act(['ACTIVE', 'SHUTOFF'], () => ({ migrate: null })) },
  { weight: 8, deed: act(['VERIFY_RESIZE'], () => ({ confirmResize: null })) },
  { weight: 6, deed: act(['VERIFY_RESIZE'], () => ({ revertResize: null })) },
  { weight: 8, deed: act(['ACTIVE', 'PAUSED'], () => ({ 'os-migrateLive': { host: null, block_migration: 'auto' } })) },
  { weight: 5, deed: act(['ACTIVE'], () => ({ 'os-stop': null })) },
  { weight: 5, deed: act(['SHUTOFF'], () => ({ 'os-start': null })) },
  { weight: 3, deed: act(['ACTIVE'], () => ({ suspend: null })) },
  { weight: 3, deed: act(['SUSPENDED'], () => ({ resume: null })) },
  { weight: 3, deed: act(['ACTIVE'], () => ({ pause: null })) },
  { weight: 3, deed: act(['PAUSED'], () => ({ unpause: null })) },
  { weight: 4, deed: act(['ACTIVE', 'SHUTOFF'], () => ({ shelve: null })) },
  { weight: 4, deed: act(['SHELVED_OFFLOADED'], () => ({ unshelve: null })) },
  { weight: 3, deed: act(['ACTIVE', 'SHUTOFF', 'ERROR'], ({ cloud }) => ({ rebuild: { imageRef: cloud.imageId } })) },
  { weight: 3, deed: hostDies },
  { weight: 3, deed: hostReturns },
  { weight: 8, deed: evacuate },
  { weight: 2, deed: toggleService },
  { weight: 10, deed: hypervisorFails },
]
