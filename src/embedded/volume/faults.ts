import { declareFault } from '#base'

/** Faults of the public API in Cinder's words; the status says the rest. */
export const Invalid = declareFault('Invalid', 'refused', (p: { reason: string }) => p.reason, 400)
export const Forbidden = declareFault('Forbidden', 'refused', (p: { reason: string }) => p.reason, 403)
export const Missing = declareFault('Missing', 'missing', (p: { reason: string }) => p.reason, 404)
export const Unacceptable = declareFault('Unacceptable', 'refused', (p: { reason: string }) => p.reason, 406)
export const Conflict = declareFault('Conflict', 'conflict', (p: { reason: string }) => p.reason, 409)
export const OverLimit = declareFault('OverLimit', 'refused', (p: { reason: string }) => p.reason, 413)
export const BadType = declareFault('BadType', 'refused', () => 'Unsupported Content-Type', 415)

export const PolicyForbids = declareFault(
  'PolicyNotAuthorized',
  'refused',
  (p: { action: string }) => `Policy doesn't allow ${p.action} to be performed.`,
  403,
)

export const invalidVolume = (reason: string) => Invalid({ reason: `Invalid volume: ${reason}` })
export const invalidSnapshot = (reason: string) => Invalid({ reason: `Invalid snapshot: ${reason}` })
export const invalidInput = (reason: string) => Invalid({ reason: `Invalid input received: ${reason}` })

export const noVolume = (id: string) => Missing({ reason: `Volume ${id} could not be found.` })
export const noSnapshot = (id: string) => Missing({ reason: `Snapshot ${id} could not be found.` })
export const noAttachment = (id: string) =>
  Missing({ reason: `Volume attachment could not be found with filter: attachment_id = ${id}.` })
export const noType = (id: string) => Missing({ reason: `Volume type ${id} could not be found.` })
export const noTypeByName = (name: string) => Missing({ reason: `Volume type with name ${name} could not be found.` })
export const noTransfer = (id: string) => Missing({ reason: `Transfer ${id} could not be found.` })

export const InvalidZone = declareFault(
  'InvalidAvailabilityZone',
  'refused',
  (p: { zone: string }) => `Availability zone '${p.zone}' is invalid.`,
)
