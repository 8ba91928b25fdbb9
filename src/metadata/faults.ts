import { declareFault } from '#base'

type Words = { words: string }

/** Unknown path, version or instance: all the same to a guest. */
export const MetadataMissing = declareFault('MetadataNotFound', 'missing', () => 'The resource could not be found.')
export const MetadataRequestBad = declareFault('MetadataBadRequest', 'refused', (p: Words) => p.words)
export const SignatureWrong = declareFault(
  'MetadataForbidden',
  'refused',
  () => 'Invalid proxy request signature.',
  403,
)
export const PasswordAlreadySet = declareFault(
  'MetadataConflict',
  'conflict',
  () => 'There was a conflict when trying to complete your request.',
)
export const VendorDataUnavailable = declareFault(
  'VendorDataUnavailable',
  'transient',
  (p: { target: string; reason: string }) => `Vendor data service ${p.target} failed: ${p.reason}`,
  500,
)
export const ConfigDriveToolFailed = declareFault(
  'ConfigDriveToolFailed',
  'final',
  (p: { tool: string; reason: string }) => `The config drive could not be written: ${p.tool}: ${p.reason}`,
)
