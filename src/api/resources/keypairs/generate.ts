import { execFile } from 'node:child_process'
import { generateKeyPair, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CertificatesUnavailable, InvalidKeypair } from './faults.ts'
import { sshFingerprint } from './ssh-key.ts'

export interface NewKey {
  readonly publicKey: string
  readonly privateKey: string
  readonly fingerprint: string
}

export type KeyType = 'ssh' | 'x509'

const bits = 2048

const field = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A whole number as SSH writes it: a zero in front when it would look negative. */
const number = (base64url: string): Buffer => {
  const bytes = Buffer.from(base64url, 'base64url')
  return field((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}

/** An RSA key in the forms that every ssh reads: PEM, and one line for authorized_keys. */
async function sshKey(): Promise<NewKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: bits })
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' })
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), number(e), number(n)])
  const line = `ssh-rsa ${blob.toString('base64')} Generated-by-Nova`
  return {
    publicKey: line,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    fingerprint: sshFingerprint(line),
  }
}

/** SHA-1 of the certificate, in lower case. */
export function certificateFingerprint(pem: string): string {
  try {
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('Unable to load PEM file.')
    return new X509Certificate(pem).fingerprint.toLowerCase()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw InvalidKeypair({ reason: `failed to generate X509 fingerprint. Error message: ${why}` }, { cause })
  }
}

/** Windows takes a client certificate for a log-in when its alternative name is a user principal name. */
const clientCertificate = (user: string): string =>
  [
    'distinguished_name  = req_distinguished_name',
    '[req_distinguished_name]',
    '[v3_req_client]',
    'extendedKeyUsage = clientAuth',
    `subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:${user}@localhost`,
    '',
  ].join('\n')

function openssl(args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = execFile('openssl', args, { encoding: 'buffer' }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') reject(CertificatesUnavailable({ reason: 'openssl is not installed' }))
      else reject(CertificatesUnavailable({ reason: 'openssl failed' }, { cause: error, detail: error.message }))
    })
    // A program that never started or has ended takes no input; its exit says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** A certificate that signs itself, for ten years; its private key as PKCS #12 with an empty password, in base64. */
async function x509Key(userId: string): Promise<NewKey> {
  const folder = await mkdtemp(join(tmpdir(), 'nova-x509-'))
  try {
    const [config, keyFile] = [join(folder, 'openssl.conf'), join(folder, 'key.pem')]
    await writeFile(config, clientCertificate(userId))
    const making = ['-newkey', `rsa:${bits}`, '-outform', 'PEM', '-keyout', keyFile, '-subj', `/CN=${userId}`]
    const certificate = await openssl(
      ['req', '-x509', '-nodes', '-days', '3650', '-config', config].concat(making, '-extensions', 'v3_req_client'),
    )
    const packed = await openssl(['pkcs12', '-export', '-inkey', keyFile, '-password', 'pass:'], certificate)
    const publicKey = certificate.toString()
    return {
      publicKey,
      privateKey: packed.toString('base64'),
      fingerprint: certificateFingerprint(publicKey),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const generateKey = (type: KeyType, userId: string): Promise<NewKey> =>
  type === 'ssh' ? sshKey() : x509Key(userId)

export const fingerprintOf = (type: KeyType, publicKey: string): string =>
  type === 'ssh' ? sshFingerprint(publicKey) : certificateFingerprint(publicKey)
