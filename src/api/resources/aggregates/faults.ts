import { declareFault } from '#base'

export const BadAggregate = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
export const AggregateNotFound = declareFault(
  'AggregateNotFound',
  'missing',
  (p: { id: string | number }) => `Aggregate ${p.id} could not be found.`,
)
export const AggregateNameExists = declareFault(
  'AggregateNameExists',
  'conflict',
  (p: { name: string }) => `Aggregate ${p.name} already exists.`,
)
export const AggregateHostExists = declareFault(
  'AggregateHostExists',
  'conflict',
  (p: { id: number; host: string }) => `Aggregate ${p.id} already has host ${p.host}.`,
)
/** Three causes, one answer: the aggregate, the host, or the one in the other is missing. */
export const CannotRemoveHost = declareFault(
  'AggregateHostNotFound',
  'missing',
  (p: { id: string; host: string }) => `Cannot remove host ${p.host} in aggregate ${p.id}`,
)

const doing = {
  add: 'Cannot add host to aggregate',
  remove: 'Cannot remove host from aggregate',
  update: 'Cannot update aggregate',
  metadata: 'Cannot update metadata of aggregate',
} as const

/** A 400 for updates, a 409 for hosts: each operation says which. */
export const InvalidAggregateAction = declareFault(
  'InvalidAggregateAction',
  'refused',
  (p: { action: keyof typeof doing; id: number; reason: string }) => `${doing[p.action]} ${p.id}. Reason: ${p.reason}.`,
)
