import { constants, createPublicKey, publicEncrypt } from 'node:crypto'

/** One length-prefixed field of an OpenSSH key, and what comes after it. */
function fieldOf(blob: Buffer): readonly [field: Buffer, rest: Buffer] {
  const end = 4 + blob.readUInt32BE(0)
  if (end > blob.length) throw new RangeError('the key ends in the middle of a field')
  return [blob.subarray(4, end), blob.subarray(end)]
}

/**
 * The text for the owner of an SSH key alone, in base64, as `nova get-password` reads it. Undefined: keys of this kind
 * cannot encrypt (Ed25519), this one cannot be read, or the text is too long for it.
 */
export function encryptForKey(publicKey: string, text: string): string | undefined {
  const [type, base64] = publicKey.trim().split(/\s+/)
  if (type !== 'ssh-rsa' || base64 === undefined) return undefined
  try {
    const [, afterType] = fieldOf(Buffer.from(base64, 'base64'))
    const [e, afterE] = fieldOf(afterType)
    const [n] = fieldOf(afterE)
    const jwk = { kty: 'RSA', e: e.toString('base64url'), n: n.toString('base64url') }
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text)).toString('base64')
  } catch {
    return undefined
  }
}
