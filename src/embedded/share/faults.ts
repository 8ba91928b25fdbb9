import { declareFault } from '#base'

/** Faults of the public API in Manila's words; the status says the rest. */
export const Invalid = declareFault('Invalid', 'refused', (p: { reason: string }) => p.reason, 400)
export const Forbidden = declareFault('Forbidden', 'refused', (p: { reason: string }) => p.reason, 403)
export const Missing = declareFault('Missing', 'missing', (p: { reason: string }) => p.reason, 404)
export const Unacceptable = declareFault('Unacceptable', 'refused', (p: { reason: string }) => p.reason, 406)
export const Conflict = declareFault('Conflict', 'conflict', (p: { reason: string }) => p.reason, 409)
export const OverLimit = declareFault('OverLimit', 'refused', (p: { reason: string }) => p.reason, 413)
export const BadType = declareFault('BadType', 'refused', () => 'Unsupported Content-Type', 415)
export const Unprocessable = declareFault('Unprocessable', 'refused', (p: { reason: string }) => p.reason, 422)

export const policyForbids = (action: string) =>
  Forbidden({ reason: `Policy doesn't allow ${action} to be performed.` })

export const noShare = (id: string) => Missing({ reason: `Share ${id} could not be found.` })
export const noType = (id: string) => Missing({ reason: `Share type ${id} could not be found.` })
export const noAccess = (id: string) => Missing({ reason: `Share access rule ${id} could not be found.` })
export const noLock = (id: string) => Missing({ reason: `Resource lock ${id} could not be found.` })
