import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ManualClock, newUuid } from '#base'
import { ImageUnavailable, KeyNotFound } from '#cloud'
import type { GuestImage } from '#virt'
import { SignatureVerificationError } from './image-signature.ts'
import { imageSource, type SignatureRules } from './image-source.ts'
import { CertificateValidationFailed } from './trusted-certificates.ts'

/** Keys, certificates and signatures by openssl, as the image service's users make them. */

const folder = mkdtempSync(join(tmpdir(), 'nova-signature-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
const at = (name: string): string => join(folder, name)
const bits = Buffer.from('the bits of an image')
const certificates = new Map<string, Buffer>()

function keep(name: string): string {
  const id = newUuid()
  certificates.set(id, readFileSync(at(name)))
  return id
}

function selfSigned(name: string, ...key: string[]): void {
  openssl('genpkey', ...key, '-out', `${name}.key`)
  openssl('req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-days', '365', '-out', `${name}.pem`)
}

function issued(name: string, by: string): void {
  openssl('genpkey', '-algorithm', 'RSA', '-out', `${name}.key`)
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
  const authority = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial']
  openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-days', '365', '-out', `${name}.pem`)
}

const ids: Record<string, string> = {}
before(() => {
  writeFileSync(at('bits'), bits)
  selfSigned('rsa', '-algorithm', 'RSA')
  selfSigned('ec', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp384r1')
  selfSigned('other', '-algorithm', 'RSA')
  issued('leaf', 'rsa')
  for (const name of ['rsa', 'ec', 'other', 'leaf']) ids[name] = keep(`${name}.pem`)
  openssl('x509', '-in', 'rsa.pem', '-outform', 'DER', '-out', 'rsa.der')
  ids['der'] = keep('rsa.der')
})

/** Signed as Glance's handbook says. */
function signed(name: string, keyType: string, overrides: Readonly<Record<string, string>> = {}): GuestImage {
  const padding = keyType === 'RSA-PSS' ? ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:max'] : []
  const signature = openssl('dgst', '-sha256', '-sign', `${name}.key`, ...padding, 'bits')
  return {
    id: newUuid(),
    name: null,
    diskFormat: 'raw',
    containerFormat: 'bare',
    sizeBytes: bits.length,
    checksum: null,
    hashAlgorithm: null,
    hashValue: null,
    minDiskGiB: 0,
    minRamMiB: 0,
    properties: {
      img_signature: signature.toString('base64'),
      img_signature_hash_method: 'SHA-256',
      img_signature_key_type: keyType,
      img_signature_certificate_uuid: ids[name] ?? '',
      ...overrides,
    },
  }
}

const rules: SignatureRules = {
  isRequired: true,
  validatesCertificates: false,
  trusted: [],
  certificates: () => ({
    get: async (_as, id) => {
      const secret = certificates.get(id)
      if (secret === undefined) throw KeyNotFound({ id })
      return { id, secret }
    },
  }),
  // The certificates are made from here on, one after the other.
  clock: new ManualClock(Date.now() + 3_600_000),
}

const noImages = () => {
  throw ImageUnavailable({ id: '', reason: 'not asked for here' })
}

/** Resolves when the bits are what was signed. */
async function check(image: GuestImage, overrides: Partial<SignatureRules> = {}, content = bits): Promise<void> {
  const verifier = await imageSource(noImages, { ...rules, ...overrides }).verifier?.(image)
  verifier?.update(content.subarray(0, 5))
  verifier?.update(content.subarray(5))
  verifier?.verify()
}

const refused = (image: GuestImage, reason: RegExp, overrides: Partial<SignatureRules> = {}, content = bits) =>
  assert.rejects(check(image, overrides, content), error => {
    assert.ok(SignatureVerificationError.is(error) || CertificateValidationFailed.is(error), String(error))
    assert.match((error as Error).message, reason)
    return true
  })

test('a signed image is accepted, changed bits or somebody else’s key are not', async () => {
  await check(signed('rsa', 'RSA-PSS'))
  await check(signed('rsa', 'RSA-PSS', { img_signature_certificate_uuid: ids['der'] ?? '' }))
  await check(signed('ec', 'ECC_SECP384R1'))
  for (const image of [signed('rsa', 'RSA-PSS'), signed('ec', 'ECC_SECP384R1')])
    await refused(image, /not that of image/, {}, Buffer.from('the bits of an imagf'))
  const foreign = signed('rsa', 'RSA-PSS', { img_signature_certificate_uuid: ids['other'] ?? '' })
  await refused(foreign, /not that of image/)
})

test('what is missing or unknown is said', async () => {
  const { img_signature: _, ...properties } = signed('rsa', 'RSA-PSS').properties
  await refused({ ...signed('rsa', 'RSA-PSS'), properties }, /Missing property: img_signature/)
  await refused({ ...signed('rsa', 'RSA-PSS'), properties: {} }, /Missing property: img_signature_certificate_uuid/)
  await refused(signed('rsa', 'RSA-PSS', { img_signature: '!!' }), /not properly encoded using base64/)
  await refused(signed('rsa', 'RSA-PSS', { img_signature_hash_method: 'MD5' }), /Invalid signature hash method: MD5/)
  await refused(signed('rsa', 'RSA-PSS', { img_signature_key_type: 'toString' }), /Invalid signature key type/)
  await refused(signed('ec', 'ECC_SECP384R1', { img_signature_key_type: 'RSA-PSS' }), /Invalid public key type/)
  const lost = newUuid()
  await refused(signed('rsa', 'RSA-PSS', { img_signature_certificate_uuid: lost }), new RegExp(`with ID: ${lost}`))
})

test('images need no signature unless the host or the server says so', async () => {
  const plain = { ...signed('rsa', 'RSA-PSS'), properties: {} }
  await check(plain, { isRequired: false })
  await refused({ ...plain, trustedCertificates: [ids['rsa'] ?? ''] }, /Missing property/, { isRequired: false })
})

test('the certificate must follow from trusted ones', async () => {
  const trusts = (...names: string[]) => ({ trustedCertificates: names.map(name => ids[name] ?? newUuid()) })
  const leaf = signed('leaf', 'RSA-PSS')
  await check({ ...leaf, ...trusts('lost', 'rsa') })
  await check({ ...signed('rsa', 'RSA-PSS'), ...trusts('rsa') })
  await refused({ ...leaf, ...trusts('other') }, /Certificate chain building failed/)
  // A leaf vouches for nobody, not even for itself.
  await refused({ ...leaf, ...trusts('leaf') }, /Certificate chain building failed/)
  await refused({ ...leaf, ...trusts('lost') }, /Certificate chain building failed/)
  await check(leaf, { validatesCertificates: true, trusted: [ids['rsa'] ?? ''] })
  await refused(leaf, /No trusted certificate IDs/, { validatesCertificates: true })
  const later = new ManualClock(Date.now() + 400 * 86_400_000)
  await refused({ ...leaf, ...trusts('rsa') }, /outside its valid date range/, { clock: later })
})
