import type { X509Certificate } from 'node:crypto'
import { declareFault } from '#base'

export const CertificateValidationFailed = declareFault(
  'CertificateValidationFailed',
  'final',
  (p: { reason: string; id: string }) =>
    `Image signature certificate validation failed for certificate: ${p.id}. ${p.reason}`,
)

const isValidAt = (certificate: X509Certificate, nowMs: number): boolean =>
  Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo)

const isSame = (a: X509Certificate, b: X509Certificate): boolean => a.fingerprint256 === b.fingerprint256

/** `checkIssued` looks at names and at what the issuer may use its key for; the signature is looked at apart. */
const hasIssued = (issuer: X509Certificate, issued: X509Certificate): boolean =>
  issued.checkIssued(issuer) && issued.verify(issuer.publicKey)

/** Throws unless a chain leads from the certificate, through trusted ones only, to one that stands for itself. */
export function mustBeTrusted(
  id: string,
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  nowMs: number,
): void {
  const refuse = (reason: string) => CertificateValidationFailed({ id, reason })
  if (!isValidAt(certificate, nowMs)) throw refuse('The certificate is outside its valid date range.')
  // Only what may sign certificates can vouch for another one.
  const authorities = trusted.filter(candidate => candidate.ca && isValidAt(candidate, nowMs))
  const seen = new Set<string>()
  for (let current = certificate; ; ) {
    const issuer = authorities.find(candidate => hasIssued(candidate, current))
    if (issuer === undefined) throw refuse('Certificate chain building failed.')
    if (isSame(issuer, current)) return
    if (seen.has(issuer.fingerprint256)) throw refuse('Certificate chain building failed.')
    seen.add(issuer.fingerprint256)
    current = issuer
  }
}
