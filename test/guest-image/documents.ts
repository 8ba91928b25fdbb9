import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const instanceUuid = '3b2f4a56-0d2f-4a35-9d9a-5d8f2f1d0001'

/** A pair of keys in `folder`; the private one is the file `key`. */
export async function makeKey(folder: string): Promise<{ file: string; publicKey: string }> {
  const file = join(folder, 'key')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', "it's me", '-f', file])
  return { file, publicKey: await readFile(`${file}.pub`, 'utf8') }
}

/** As Nova writes it, with what makes a careless parser stumble. */
export const metaDocument = (publicKey: string, hostname: string): string =>
  JSON.stringify({
    uuid: instanceUuid,
    meta: { hostname: 'not-me', 'quote"d': "a'b" },
    public_keys: { 'my.key': publicKey },
    keys: [{ name: 'my.key', type: 'ssh', data: publicKey }],
    hostname: `${hostname}.novalocal`,
    name: hostname,
    launch_index: 0,
    availability_zone: 'nova',
    random_seed: 'c2VjcmV0c2VjcmV0',
    project_id: 'f7ac731cc11f40efbc03a9f9e1d1d21f',
    devices: [],
  })

/** A config drive (ISO 9660, label config-2) with these files under openstack/latest. */
export async function makeConfigDrive(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  const tree = join(folder, 'drive')
  await mkdir(join(tree, 'openstack/latest'), { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(tree, 'openstack/latest', name), content)
  const path = join(folder, 'config.iso')
  await run('genisoimage', [
    '-quiet',
    '-o',
    path,
    '-ldots',
    '-allow-lowercase',
    '-allow-multidot',
    '-l',
    '-J',
    '-r',
    '-V',
    'config-2',
    tree,
  ])
  return path
}
