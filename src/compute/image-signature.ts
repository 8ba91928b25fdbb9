import { constants, createVerify, type KeyObject, type X509Certificate } from 'node:crypto'
import { declareFault } from '#base'
import type { GuestImage, ImageVerifier } from '#virt'

export const SignatureVerificationError = declareFault(
  'SignatureVerificationError',
  'final',
  (p: { reason: string }) => `Signature verification for the image failed: ${p.reason}.`,
)

export const signatureProperties = {
  signature: 'img_signature',
  hash: 'img_signature_hash_method',
  keyType: 'img_signature_key_type',
  certificate: 'img_signature_certificate_uuid',
} as const

const hashes: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  'SHA-224': { name: 'SHA224', bytes: 28 },
  'SHA-256': { name: 'SHA256', bytes: 32 },
  'SHA-384': { name: 'SHA384', bytes: 48 },
  'SHA-512': { name: 'SHA512', bytes: 64 },
}

/** What `img_signature_key_type` says, and the kind of public key that belongs to it. */
const keyKinds: Readonly<Record<string, string>> = {
  'RSA-PSS': 'rsa',
  DSA: 'dsa',
  ECC_SECP384R1: 'ec',
  ECC_SECP521R1: 'ec',
  ECC_SECT409K1: 'ec',
  ECC_SECT409R1: 'ec',
  ECC_SECT571K1: 'ec',
  ECC_SECT571R1: 'ec',
}

const fail = (reason: string, cause?: unknown) =>
  SignatureVerificationError({ reason }, cause === undefined ? {} : { cause })

function property(image: GuestImage, name: string): string {
  const value = image.properties[name]
  if (value !== undefined) return value
  throw fail(
    `Required image properties for signature verification do not exist. Cannot verify signature. Missing property: ${name}`,
  )
}

/** The certificate that the image says it is signed with. */
export const certificateIdOf = (image: GuestImage): string => property(image, signatureProperties.certificate)

function signatureOf(image: GuestImage): Buffer {
  const text = property(image, signatureProperties.signature).replace(/\s/g, '')
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what it does not know.
  if (bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return bytes
  throw fail('The signature data was not properly encoded using base64')
}

/** Glance signs RSA with the longest salt that fits. */
function pss(key: KeyObject, hashBytes: number) {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  const saltLength = Math.ceil((bits - 1) / 8) - hashBytes - 2
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}

/** Checks the bits of an image against its signature, by the public key of the certificate. */
export function signatureVerifier(image: GuestImage, certificate: X509Certificate): ImageVerifier {
  const signature = signatureOf(image)
  const hashName = property(image, signatureProperties.hash)
  const hash = Object.hasOwn(hashes, hashName) ? hashes[hashName] : undefined
  if (hash === undefined) throw fail(`Invalid signature hash method: ${hashName}`)
  const keyType = property(image, signatureProperties.keyType)
  const kind = Object.hasOwn(keyKinds, keyType) ? keyKinds[keyType] : undefined
  if (kind === undefined) throw fail(`Invalid signature key type: ${keyType}`)
  const key = certificate.publicKey
  if (key.asymmetricKeyType !== kind) throw fail(`Invalid public key type for signature key type: ${keyType}`)
  const verify = createVerify(hash.name)
  return {
    update: chunk => {
      verify.update(chunk)
    },
    verify: () => {
      if (!verify.verify(kind === 'rsa' ? pss(key, hash.bytes) : key, signature))
        throw fail(`the signature is not that of image ${image.id}`)
    },
  }
}
