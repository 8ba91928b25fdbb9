import { newUuid } from '#base'
import { endedMigrations, type Instance } from '#model'
import { emptyJournal } from '#saga'
import { type ComputeNode, turnOf } from '#store'
import { letGo } from '../../allocations.ts'
import { livesElsewhere } from '../../cells.ts'
import type { ConductorDeps } from '../../deps.ts'
import { Suspects } from './suspects.ts'

/** Nodes looked at in one round; the next round goes on behind them. */
const nodesAtOnce = 50

/** Between other work on the server. Returns the saga. */
export async function beginHeal({ store, clock }: ConductorDeps, id: string): Promise<string> {
  const sagaId = newUuid()
  await store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const waitsFor = (await tx.sagas.openOf(id)).at(-1) ?? null
    const input = { instanceId: id, requestId: `req-${newUuid()}` }
    const row = { id: sagaId, name: 'allocation-heal', instanceId: id, input, waitsFor }
    await tx.sagas.add(row, emptyJournal(), clock.now())
  })
  return sagaId
}

/** Nobody works on it: what is wrong with it now stays wrong. */
const isIdle = async (d: ConductorDeps, { id, taskState, vmState }: Instance): Promise<boolean> =>
  taskState === null && vmState !== 'building' && (await d.store.sagas.openOf(id)).length === 0

type Verdict = 'right' | 'orphan' | 'wrong'

/** What an allocation on this node means whose consumer is none of its servers. */
async function judge(d: ConductorDeps, node: ComputeNode, consumerId: string): Promise<Verdict> {
  const move = await d.store.moves.find(consumerId)
  if (move !== undefined) {
    // An evacuation holds its source until that is back.
    const holds = move.status === 'done' || !endedMigrations.includes(move.status)
    return holds ? 'right' : 'orphan'
  }
  const instance = await d.store.instances.find(consumerId, { withDeleted: true })
  if (instance === undefined) {
    if (await livesElsewhere(d, consumerId)) return 'right'
    const { consumerType } = await d.placement.consumer(consumerId)
    return consumerType === 'INSTANCE' || consumerType === 'MIGRATION' ? 'orphan' : 'right'
  }
  if (instance.isDeleted) return 'orphan'
  return instance.host !== node.host && (await isIdle(d, instance)) ? 'wrong' : 'right'
}

async function auditNode(d: ConductorDeps, node: ComputeNode, suspects: Suspects): Promise<readonly string[]> {
  const begun: string[] = []
  const holders = new Set(await d.placement.consumersOf(node.uuid))
  const servers = (await d.store.instances.idsByHost([node.host])).get(node.host) ?? new Set<string>()
  for (const consumerId of holders) {
    if (servers.has(consumerId)) continue
    const verdict = await judge(d, node, consumerId)
    if (verdict === 'right' || !suspects.note(`${node.uuid} ${consumerId}`)) continue
    d.log.warn({ consumer_id: consumerId, host: node.host, verdict }, 'allocation that belongs to nobody here')
    if (verdict === 'orphan') await letGo(d, consumerId)
    else begun.push(await beginHeal(d, consumerId))
  }
  for (const id of servers) {
    if (holders.has(id)) continue
    const instance = await d.store.instances.find(id)
    if (instance === undefined || !(await isIdle(d, instance)) || !suspects.note(`${node.uuid} ${id}`)) continue
    d.log.warn({ instance_id: id, host: node.host }, 'server without an allocation')
    begun.push(await beginHeal(d, id))
  }
  return begun
}

/** Compares what placement has given away with the records, some nodes a round. */
export class AllocationAudit {
  readonly #deps: ConductorDeps
  readonly #suspects = new Suspects()
  #next = 0

  constructor(deps: ConductorDeps) {
    this.#deps = deps
  }

  /** Returns the sagas that mend what is wrong with living servers. */
  async round(): Promise<readonly string[]> {
    const nodes = await this.#deps.store.computeNodes.list()
    const begun: string[] = []
    for (let i = 0; i < Math.min(nodesAtOnce, nodes.length); i++) {
      const at = this.#next % nodes.length
      // All nodes are seen once between two looks at the same one.
      if (at === 0) this.#suspects.turn()
      const node = nodes[at]
      if (node !== undefined) begun.push(...(await auditNode(this.#deps, node, this.#suspects)))
      this.#next = at + 1
    }
    return begun
  }
}
