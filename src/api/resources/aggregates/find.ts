import type { Aggregate, Store } from '#store'
import { AggregateNotFound, BadAggregate } from './faults.ts'

/** As Python reads it; nothing else names an aggregate. */
export function numberIn(id: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(id)) throw BadAggregate({ text: 'Invalid input received: id must be an integer' })
  return Number(id)
}

export async function findAggregate(store: Store, id: string): Promise<Aggregate> {
  const found = await store.aggregates.find(numberIn(id))
  if (found === undefined) throw AggregateNotFound({ id })
  return found
}
