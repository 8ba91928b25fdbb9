import { declareFault } from '#base'

/** Faults of the public API in Glance's words; the status says the rest. */
export const Invalid = declareFault('Invalid', 'refused', (p: { reason: string }) => p.reason, 400)
export const Forbidden = declareFault('Forbidden', 'refused', (p: { reason: string }) => p.reason, 403)
export const Missing = declareFault('Missing', 'missing', (p: { reason: string }) => p.reason)
export const NotPermitted = declareFault('NotPermitted', 'refused', (p: { reason: string }) => p.reason, 405)
export const Conflict = declareFault('Conflict', 'conflict', (p: { reason: string }) => p.reason)
export const Gone = declareFault('Gone', 'final', (p: { reason: string }) => p.reason, 410)
export const TooLarge = declareFault('TooLarge', 'refused', (p: { reason: string }) => p.reason, 413)
export const BadType = declareFault('BadType', 'refused', (p: { reason: string }) => p.reason, 415)
export const BadRange = declareFault('BadRange', 'refused', () => 'The requested range cannot be satisfied.', 416)
export const Unwritable = declareFault('Unwritable', 'transient', (p: { reason: string }) => p.reason, 503)

export const ActionForbidden = declareFault(
  'ActionForbidden',
  'refused',
  (p: { action: string }) => `You are not authorized to complete ${p.action} action.`,
  403,
)

export const NoImage = declareFault('NoImage', 'missing', (p: { id: string }) => `No image found with ID ${p.id}`)

export const badTransition = (from: string, to: string) =>
  Conflict({ reason: `Image status transition from ${from} to ${to} is not allowed` })

export const notInSchema = (why: string, schema = 'image') =>
  Invalid({ reason: `Provided object does not match schema '${schema}': ${why}` })
