import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../network/wires.ts'

const days = ['-days', '2']
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Puts a certificate for these addresses into each of the folders, under the names that QEMU looks for. */
export async function giveCertificates(
  work: string,
  addresses: readonly string[],
  folders: readonly string[],
): Promise<void> {
  mkdirSync(work, { recursive: true })
  const at = (name: string) => join(work, name)
  const authority = ['-keyout', at('ca-key.pem'), '-out', at('ca-cert.pem'), '-subj', '/CN=authority of a test']
  const use = ['-addext', 'keyUsage=critical,keyCertSign']
  await run('openssl', 'req', '-x509', ...newKey, ...authority, ...days, ...use)
  await run('openssl', 'req', ...newKey, '-keyout', at('key.pem'), '-out', at('request.pem'), '-subj', '/CN=hosts')
  const names = addresses.map(address => `IP:${address}`).join(',')
  const usage = 'keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n'
  writeFileSync(at('extensions'), `subjectAltName=${names}\n${usage}`)
  const signer = ['-CA', at('ca-cert.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial', '-extfile', at('extensions')]
  await run('openssl', 'x509', '-req', '-in', at('request.pem'), ...signer, '-out', at('cert.pem'), ...days)
  for (const folder of folders) {
    copyFileSync(at('ca-cert.pem'), join(folder, 'ca-cert.pem'))
    for (const side of ['server', 'client']) {
      for (const part of ['cert', 'key']) copyFileSync(at(`${part}.pem`), join(folder, `${side}-${part}.pem`))
    }
  }
  rmSync(work, { recursive: true })
}
