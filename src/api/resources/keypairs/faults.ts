import { declareFault } from '#base'

export const InvalidKeypair = declareFault(
  'InvalidKeypair',
  'refused',
  (p: { reason: string }) => `Keypair data is invalid: ${p.reason}`,
)
export const KeypairLimitExceeded = declareFault(
  'KeypairLimitExceeded',
  'refused',
  () => 'Quota exceeded, too many key pairs.',
  403,
)
/** Certificates are made by the `openssl` program, and this machine has none. */
export const CertificatesUnavailable = declareFault(
  'CertificatesUnavailable',
  'refused',
  (p: { reason: string }) => `This cloud cannot generate x509 key pairs: ${p.reason}`,
  501,
)
