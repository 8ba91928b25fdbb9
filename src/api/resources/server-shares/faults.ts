import { declareFault } from '#base'

export const ShareStatusIncorrect = declareFault(
  'ShareStatusIncorect',
  'conflict',
  (p: { id: string; status: string }) => `Share ${p.id} is in '${p.status}' instead of 'available' status.`,
)
export const ShareMissingExportLocation = declareFault(
  'ShareMissingExportLocation',
  'conflict',
  (p: { id: string }) => `Share ${p.id} export location is missing.`,
)
export const ShareProtocolNotSupported = declareFault(
  'ShareProtocolNotSupported',
  'conflict',
  (p: { protocol: string }) => `Share protocol ${p.protocol} is not supported.`,
)
export const ShareMappingAlreadyExists = declareFault(
  'ShareMappingAlreadyExists',
  'conflict',
  (p: { id: string; tag: string }) => `Share '${p.id}' or tag '${p.tag}' already associated to this server.`,
)
export const SharesNotSupported = declareFault(
  'ForbiddenSharesNotSupported',
  'refused',
  () => 'Feature not supported until computes have not been updated.',
  403,
)
export const SharesNotConfigured = declareFault(
  'ForbiddenSharesNotConfiguredCorrectly',
  'conflict',
  () => 'Feature not supported because either compute or instance are not configured correctly.',
)
