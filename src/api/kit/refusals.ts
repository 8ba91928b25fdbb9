import { declareFault, type Fault } from '#base'

/** Faults that any operation may meet, whatever it lists. */

export const PolicyRefused = declareFault(
  'PolicyNotAuthorized',
  'refused',
  (p: { rule: string; why: string }) => `Policy doesn't allow ${p.rule} to be performed.`,
  403,
)

export const UnsupportedContentType = declareFault(
  'InvalidContentType',
  'refused',
  () => 'Unsupported Content-Type',
  415,
)

export const MalformedBody = declareFault('MalformedRequestBody', 'refused', () => 'Malformed request body')

export const NoSuchAction = declareFault(
  'NoSuchAction',
  'refused',
  (p: { action: string }) => `There is no such action: ${p.action}`,
)

export const ForeignProject = declareFault(
  'MalformedRequestUrl',
  'refused',
  (p: { inUrl: string; inToken: string | null }) =>
    `Malformed request URL: URL's project_id '${p.inUrl}' doesn't match Context's project_id '${p.inToken ?? 'None'}'`,
)

/** The operation does not exist at this microversion; the answer does not say so, on purpose. */
export const NotAtThisVersion = declareFault(
  'VersionNotFoundForAPIMethod',
  'missing',
  () => 'The resource could not be found.',
)

/** No such route: not even the JSON form of an error. */
export const NoSuchRoute = declareFault('NoSuchRoute', 'missing', () => 'The resource could not be found.')

const general = new Set([
  PolicyRefused.code,
  UnsupportedContentType.code,
  MalformedBody.code,
  NoSuchAction.code,
  ForeignProject.code,
  NotAtThisVersion.code,
  NoSuchRoute.code,
  'InvalidAPIVersionString',
  'InvalidGlobalAPIVersion',
  'ValidationError',
  'InvalidInput',
  'TokenInvalid',
  'RequestTooLarge',
  'DatabaseUnavailable',
  'DatabaseOutcomeUnknown',
  'CellNotResponding',
])

export const isGeneral = (fault: Fault): boolean => general.has(fault.code)
