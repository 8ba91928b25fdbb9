import { providerOf } from '../../operations/inventories.ts'
import { countConsumers, sumUsages } from '../../store/consumers.ts'
import type { Call, Reply } from '../route.ts'

export async function getProviderUsages(call: Call): Promise<Reply> {
  const node = providerOf(await call.ledger.read(), call.path['uuid'] ?? '')
  const usages = Object.fromEntries([...node.stocks.values()].map(stock => [stock.resourceClass, stock.used]))
  return { status: 200, body: { resource_provider_generation: node.generation, usages } }
}

/** Sums for a project; from 1.38 by consumer type, all types in one on request. */
export async function getUsages(call: Call): Promise<Reply> {
  const projectId = call.query.get('project_id') ?? ''
  const userId = call.query.get('user_id') ?? undefined
  const rows = await sumUsages(call.ledger.db, projectId, userId)
  const { classes } = await call.ledger.read()
  const usages: Record<string, Record<string, number>> = {}
  const byType = call.has('consumerTypes')
  const wanted = call.query.get('consumer_type')
  const groupOf = (type: string | null) => (wanted === 'all' || !byType ? 'all' : (type ?? 'unknown'))
  const isWanted = (type: string | null) => wanted === null || wanted === 'all' || (type ?? 'unknown') === wanted
  for (const row of rows) {
    if (byType && !isWanted(row.consumer_type)) continue
    const group = (usages[groupOf(row.consumer_type)] ??= {})
    const name = classes.name(row.class_id)
    group[name] = (group[name] ?? 0) + row.used
  }
  if (!byType) return { status: 200, body: { usages: usages['all'] ?? {} } }
  for (const { consumer_type: type, count } of await countConsumers(call.ledger.db, projectId, userId)) {
    const group = usages[groupOf(type)]
    if (group !== undefined && isWanted(type)) group['consumer_count'] = (group['consumer_count'] ?? 0) + count
  }
  return { status: 200, body: { usages } }
}
