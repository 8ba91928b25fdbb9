/** A Debian package of everything: all executables, their Node.js, systemd units, a first nova.conf. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { runCommand, tail } from '../setup/command.mjs'
import { SetupFault } from '../setup/fault.mjs'
import { packagesFor } from '../setup/packages.mjs'
import { executables, layOut } from './contents.mjs'

const architectures = { x64: 'amd64', arm64: 'arm64' }
/** Debian's own packages of the same programs. */
const rivals = ['nova-common', 'python3-nova']
const scripts = ['postinst', 'prerm', 'postrm']

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

const sizeKiB = files => files.reduce((sum, file) => sum + Math.ceil(lstatSync(file).size / 1024), 0)

function control(root, files, architecture) {
  const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const conflicts = [
    ...rivals,
    ...executables(root).filter(name => name !== 'nova-allinone' && name !== 'nova-dhcpbridge'),
  ]
  const fields = {
    Package: 'nova-ts',
    Version: version,
    Architecture: architecture,
    Maintainer: 'Nova in TypeScript <nova-ts@localhost>',
    Section: 'net',
    Priority: 'optional',
    'Installed-Size': sizeKiB(files),
    Depends: ['adduser', ...packagesFor(['service'])].join(', '),
    Recommends: packagesFor(['libvirt', 'network', 'guest-stock']).join(', '),
    Conflicts: conflicts.sort().join(', '),
    Description: `${description}\n Every executable of OpenStack Compute, with the Node.js that runs them.`,
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

function writeControl(root, stage, architecture) {
  const files = filesBelow(stage)
  const folder = join(stage, 'DEBIAN')
  mkdirSync(folder)
  writeFileSync(join(folder, 'control'), control(root, files, architecture))
  const sum = file => createHash('md5').update(readFileSync(file)).digest('hex')
  writeFileSync(join(folder, 'md5sums'), files.map(file => `${sum(file)}  ${relative(stage, file)}\n`).join(''))
  const settings = files.map(file => `/${relative(stage, file)}`).filter(path => path.startsWith('/etc/'))
  writeFileSync(join(folder, 'conffiles'), settings.map(path => `${path}\n`).join(''))
  for (const name of scripts) {
    copyFileSync(join(root, 'deploy/debian', name), join(folder, name))
    chmodSync(join(folder, name), 0o755)
  }
}

/** Of the checkout's files, nobody but their owner may write; what a umask took away comes back. */
async function setModes(stage) {
  await runCommand('chmod', ['-R', 'u=rwX,go=rX', stage])
}

/**
 * @param {{ root: string, folder: string, progress: import('../setup/progress.mjs').Progress, signal: AbortSignal }} options
 * `folder`: where the package goes
 * @returns {Promise<string>} the path of the package
 */
export async function buildDebianPackage({ root, folder, progress, signal }) {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new SetupFault(`There is no Node.js package for ${process.arch}.`)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const work = mkdtempSync(join(tmpdir(), 'nova-deb-'))
  const step = progress.step('Building the Debian package', { shown: true })
  try {
    const stage = join(work, 'root')
    layOut(root, stage)
    await setModes(stage)
    writeControl(root, stage, architecture)
    const name = `nova-ts_${version}_${architecture}.deb`
    mkdirSync(folder, { recursive: true })
    // Zstandard packs Node.js ten times faster than Debian's default.
    const args = ['--root-owner-group', '-Zzstd', '--build', stage, join(work, name)]
    const { code, output } = await runCommand('dpkg-deb', args, { signal })
    signal.throwIfAborted()
    if (code !== 0) throw new SetupFault('dpkg-deb could not build the package', { details: tail(output) })
    copyFileSync(join(work, name), join(folder, name))
    step.done()
    return join(folder, name)
  } finally {
    step.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
