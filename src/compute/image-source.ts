import { X509Certificate } from 'node:crypto'
import type { Clock } from '#base'
import type { ImagePort, KeyPort } from '#cloud'
import type { GuestImage, ImageSource, ImageVerifier } from '#virt'
import { certificateIdOf, SignatureVerificationError, signatureVerifier } from './image-signature.ts'
import { CertificateValidationFailed, mustBeTrusted } from './trusted-certificates.ts'

/** `[glance]`: whose signature an image must carry. */
export interface SignatureRules {
  /** `verify_glance_signatures`: every image; otherwise those for which a server names certificates. */
  readonly isRequired: boolean
  /** `enable_certificate_validation`: the certificate must follow from trusted ones. */
  readonly validatesCertificates: boolean
  /** `default_trusted_certificate_ids`. */
  readonly trusted: readonly string[]
  readonly certificates: () => Pick<KeyPort, 'get'>
  readonly clock: Clock
}

/**
 * Images for the driver, fetched in Nova's own name: the user's token may have expired when a saga resumes. The image service
 * is looked for when the first image is: a host may wait for its conductor without one.
 */
export const imageSource = (images: () => ImagePort, rules?: SignatureRules): ImageSource => ({
  download: async image => images().download('service', image.id),
  localPath: async image => images().localPath?.('service', image.id),
  ...(rules === undefined ? {} : { verifier: image => verifierOf(image, rules) }),
})

async function certificateOf(id: string, rules: SignatureRules): Promise<X509Certificate> {
  try {
    return new X509Certificate((await rules.certificates().get('service', id)).secret)
  } catch (error) {
    throw SignatureVerificationError({ reason: `Unable to retrieve certificate with ID: ${id}` }, { cause: error })
  }
}

async function verifierOf(image: GuestImage, rules: SignatureRules): Promise<ImageVerifier | undefined> {
  const named = image.trustedCertificates ?? []
  const trustedIds = named.length === 0 && rules.validatesCertificates ? rules.trusted : named
  if (trustedIds.length === 0 && !rules.isRequired) return undefined
  const id = certificateIdOf(image)
  const certificate = await certificateOf(id, rules)
  const verifier = signatureVerifier(image, certificate)
  if (trustedIds.length > 0) {
    const found = await Promise.all(trustedIds.map(trusted => certificateOf(trusted, rules).catch(() => undefined)))
    const trusted = found.filter(candidate => candidate !== undefined)
    mustBeTrusted(id, certificate, trusted, rules.clock.now())
  } else if (rules.validatesCertificates) {
    throw CertificateValidationFailed({ id, reason: 'No trusted certificate IDs were provided.' })
  }
  return verifier
}
