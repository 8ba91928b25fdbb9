import { createHash, createPublicKey, type webcrypto } from 'node:crypto'
import { InvalidKeypair } from './faults.ts'

/** The fields of an OpenSSH key blob, each with its length in front (RFC 4253, section 6.6). */
class Blob {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  field(): Buffer {
    const start = this.#at + 4
    if (start > this.#bytes.length) throw new Error('a length is cut off')
    const end = start + this.#bytes.readUInt32BE(this.#at)
    if (end > this.#bytes.length) throw new Error('a field is cut off')
    this.#at = end
    return this.#bytes.subarray(start, end)
  }

  /** A positive whole number without the sign byte. */
  number(): Buffer {
    const bytes = this.field()
    if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw new Error('not a positive number')
    return bytes[0] === 0 ? bytes.subarray(1) : bytes
  }

  mustEnd(): void {
    if (this.#at !== this.#bytes.length) throw new Error('something follows the key')
  }

  mustGoOn(): void {
    if (this.#at === this.#bytes.length) throw new Error('the certificate has nothing but a key')
  }
}

type Reader = (blob: Blob) => void

/** OpenSSL looks at the numbers: a point that is not on its curve is no key. */
const mustBeKey = (key: webcrypto.JsonWebKey): void => void createPublicKey({ key, format: 'jwk' })
const url = (bytes: Buffer): string => bytes.toString('base64url')

const rsa: Reader = blob => {
  const e = url(blob.number())
  mustBeKey({ kty: 'RSA', e, n: url(blob.number()) })
}

const dss: Reader = blob => {
  for (let i = 0; i < 4; i++) blob.number()
}

const ed25519: Reader = blob => mustBeKey({ kty: 'OKP', crv: 'Ed25519', x: url(blob.field()) })

const ecdsa =
  (bits: 256 | 384 | 521): Reader =>
  blob => {
    if (blob.field().toString() !== `nistp${bits}`) throw new Error('another curve than its type says')
    const point = blob.field()
    const half = Math.ceil(bits / 8)
    if (point[0] !== 4 || point.length !== 1 + 2 * half) throw new Error('not an uncompressed point')
    const [x, y] = [url(point.subarray(1, 1 + half)), url(point.subarray(1 + half))]
    mustBeKey({ kty: 'EC', crv: `P-${bits}`, x, y })
  }

/** Keys in hardware also say for what they are used. */
const inHardware =
  (key: Reader): Reader =>
  blob => {
    key(blob)
    blob.field()
  }

const readers: ReadonlyMap<string, Reader> = new Map([
  ['ssh-rsa', rsa],
  ['ssh-dss', dss],
  ['ssh-ed25519', ed25519],
  ['ecdsa-sha2-nistp256', ecdsa(256)],
  ['ecdsa-sha2-nistp384', ecdsa(384)],
  ['ecdsa-sha2-nistp521', ecdsa(521)],
  ['sk-ssh-ed25519@openssh.com', inHardware(ed25519)],
  ['sk-ecdsa-sha2-nistp256@openssh.com', inHardware(ecdsa(256))],
])

const certificate = '-cert-v01@openssh.com'

function check(type: string, bytes: Buffer): void {
  const blob = new Blob(bytes)
  if (blob.field().toString() !== type) throw new Error('another type inside than outside')
  const isCertificate = type.endsWith(certificate)
  const name = isCertificate ? type.slice(0, -certificate.length) : type
  const reader = readers.get(name) ?? readers.get(`${name}@openssh.com`)
  if (reader === undefined) throw new Error(`unknown type ${type}`)
  if (isCertificate) blob.field() // its nonce
  reader(blob)
  if (isCertificate) blob.mustGoOn()
  else blob.mustEnd()
}

const colons = (hex: string): string => hex.replace(/..(?!$)/g, '$&:')

/** MD5 of the key, as `ssh-keygen -l -E md5` prints it, without `MD5:`. Refuses what OpenSSH could not read. */
export function sshFingerprint(publicKey: string): string {
  try {
    const [, type = '', base64 = ''] = /^(\S+)[ \t]+(\S+)/.exec(publicKey) ?? []
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) throw new Error('not base64')
    const bytes = Buffer.from(base64, 'base64')
    check(type, bytes)
    return colons(createHash('md5').update(bytes).digest('hex'))
  } catch (cause) {
    throw InvalidKeypair({ reason: 'failed to generate fingerprint' }, { cause })
  }
}
