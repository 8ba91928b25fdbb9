import { declareFault, Fault } from '#base'

/** Faults in Keystone's words. */
export const Unauthorized = declareFault(
  'Unauthorized',
  'refused',
  () => 'The request you have made requires authentication.',
  401,
)

export const AuthMethodNotSupported = declareFault(
  'AuthMethodNotSupported',
  'refused',
  () => 'Attempted to authenticate with an unsupported method.',
  401,
)

export const ApplicationCredentialAuthError = declareFault(
  'ApplicationCredentialAuthError',
  'refused',
  (p: { detail: string }) => `Error authenticating with application credential: ${p.detail}`,
  401,
)

export const ForbiddenAction = declareFault(
  'ForbiddenAction',
  'refused',
  (p: { action: string }) => `You are not authorized to perform the requested action: ${p.action}.`,
  403,
)

export const Forbidden = declareFault(
  'Forbidden',
  'refused',
  () => 'You are not authorized to perform the requested action.',
  403,
)

/** A refusal whose reason is safe to show. */
export const Refused = declareFault('Refused', 'refused', (p: { reason: string }) => p.reason, 403)

export const Invalid = declareFault('Invalid', 'refused', (p: { reason: string }) => p.reason, 400)

export const MissingAttribute = declareFault(
  'MissingAttribute',
  'refused',
  (p: { attribute: string; target: string }) =>
    `Expecting to find ${p.attribute} in ${p.target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  400,
)

export const Conflict = declareFault(
  'Conflict',
  'conflict',
  (p: { type: string; details: string }) => `Conflict occurred attempting to store ${p.type} - ${p.details}.`,
)

export const duplicate = (type: string, name: string, domainId?: string): Fault =>
  Conflict({
    type,
    details: `Duplicate entry found with name ${name}${domainId === undefined || domainId === '' ? '' : ` at domain ID ${domainId}`}`,
  })

const NotFound = declareFault(
  'NotFound',
  'missing',
  (p: { what: string; id: string }) => `Could not find ${p.what}: ${p.id}.`,
)

export type Thing =
  | 'application_credential'
  | 'credential'
  | 'domain'
  | 'endpoint'
  | 'group'
  | 'project'
  | 'project tag'
  | 'region'
  | 'role'
  | 'service'
  | 'token'
  | 'user'

export const notFound = (what: Thing, id: string): Fault =>
  NotFound({ what: what === 'application_credential' ? 'Application Credential' : what, id })

/** The row, or Keystone's 404 for it. */
export function found<T>(what: Thing, id: string, row: T | undefined): T {
  if (row === undefined) throw notFound(what, id)
  return row
}

export const AssignmentNotFound = declareFault(
  'RoleAssignmentNotFound',
  'missing',
  (p: { role: string; actor: string; target: string }) =>
    `Could not find role assignment with role: ${p.role}, user or group: ${p.actor}, project, domain, or system: ${p.target}.`,
)

export const MissingThing = declareFault('MissingThing', 'missing', (p: { reason: string }) => p.reason)
