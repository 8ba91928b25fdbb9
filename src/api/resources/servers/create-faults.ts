import { declareFault } from '#base'

/** Why a server cannot be built as asked; in Nova's words. All but the marked ones are 400. */

export const BadServerRequest = declareFault('BadServerRequest', 'refused', (p: { text: string }) => p.text)
export const NetworkAmbiguous = declareFault(
  'NetworkAmbiguous',
  'conflict',
  () => 'Multiple possible networks found, use a Network ID to be more specific.',
)
export const ExternalNetworkForbidden = declareFault(
  'ExternalNetworkAttachForbidden',
  'refused',
  (p: { id: string }) => `It is not allowed to create an interface on external network ${p.id}`,
  403,
)
export const MetadataLimitExceeded = declareFault(
  'MetadataLimitExceeded',
  'refused',
  (p: { allowed: number }) => `Maximum number of metadata items exceeds ${p.allowed}`,
  403,
)
export const FilesLimitExceeded = declareFault(
  'OnsetFileLimitExceeded',
  'refused',
  (p: { text: string }) => p.text,
  403,
)
export const NoUniqueMatch = declareFault(
  'NoUniqueMatch',
  'conflict',
  (p: { name: string }) => `Multiple security groups found matching '${p.name}'. Use an ID to be more specific.`,
)
export const PortResourcesTooEarly = declareFault(
  'CreateWithPortResourceRequestOldVersion',
  'refused',
  () =>
    'Creating servers with ports having resource requests, like a port with a QoS minimum bandwidth policy, is not supported until microversion 2.72.',
)
