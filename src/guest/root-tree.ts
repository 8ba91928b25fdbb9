import { chmod, cp, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { becomeRootProgram } from './become-root.ts'
import { runTool } from './tool.ts'

const ownFiles = join(import.meta.dirname, 'rootfs')

/** Host programs copied into the guest, with their libraries. Static busybox: no dynamic linking per fork. */
const programs = [
  '/bin/busybox',
  '/usr/sbin/dropbear',
  '/usr/sbin/qemu-ga',
  '/usr/sbin/resize2fs',
  '/usr/sbin/mke2fs',
  '/usr/bin/resizepart',
  '/usr/sbin/blkid',
]

/** Not as links: our own scripts and real programs replace some, others make no sense in a guest. */
const noApplets = /^(busybox|dpkg.*|rpm.*|run-init|linuxrc|udhcpd|devmem|init|mke2fs)$/

/** One folder for all programs and one for all libraries: every path that users or scripts know leads there. */
const links: readonly (readonly [string, string])[] = [
  ['sbin', 'bin'],
  ['usr/bin', '../bin'],
  ['usr/sbin', '../bin'],
  ['usr/lib', '../lib'],
  ['lib64', 'lib'],
  ['var/run', '../run'],
  ['etc/mtab', '../proc/mounts'],
  ['etc/resolv.conf', '../run/resolv.conf'],
]

/** Owners and modes that differ from root and the file's own, set in the file system: the builder need not be root. */
export interface SpecialFile {
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

export const specialFiles: readonly SpecialFile[] = [
  { path: '/home/cirros', uid: 1000, gid: 1000, mode: 0o040755 },
  { path: '/bin/sudo', uid: 0, gid: 1000, mode: 0o104750 },
  // gives up its rights at once in all applets but ping and the like, which need them
  { path: '/bin/busybox', uid: 0, gid: 0, mode: 0o104755 },
  { path: '/etc/shadow', uid: 0, gid: 0, mode: 0o100600 },
  { path: '/root', uid: 0, gid: 0, mode: 0o040700 },
  { path: '/tmp', uid: 0, gid: 0, mode: 0o041777 },
]

/** Fills `root` with the tree that both images share. */
export async function makeRootTree(root: string, signal?: AbortSignal): Promise<void> {
  for (const folder of [
    'bin',
    'lib',
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'mnt',
    'root',
    'home/cirros',
    'usr',
    'etc/dropbear',
  ]) {
    await mkdir(join(root, folder), { recursive: true })
  }
  for (const folder of ['var/lib/guest', 'var/log']) await mkdir(join(root, folder), { recursive: true })
  for (const [path, target] of links) await symlink(target, join(root, path))
  const options = { folder: root, signal }
  for (const program of programs) await copyProgram(program, root, signal)
  const applets = (await runTool('/bin/busybox', ['--list'], options)).split('\n').filter(name => !noApplets.test(name))
  for (const name of [...applets, 'init']) await symlink('busybox', join(root, 'bin', name))
  await symlink('mke2fs', join(root, 'bin/mkfs.ext4'))
  await addOwnFiles(root)
  await writeFile(join(root, 'bin/sudo'), becomeRootProgram('/lib/guest/sudo'))
}

/** The rootfs folder of the source tree wins over applets of the same name. */
async function addOwnFiles(root: string): Promise<void> {
  for (const name of await readdir(ownFiles, { recursive: true })) {
    const from = join(ownFiles, name)
    // usr/ is a real folder beside links: never through a link
    const to = join(root, name)
    if ((await lstat(from)).isDirectory()) await mkdir(to, { recursive: true })
    else {
      await rm(to, { force: true })
      await cp(from, to)
    }
  }
}

async function copyProgram(program: string, root: string, signal: AbortSignal | undefined): Promise<void> {
  const name = program.slice(program.lastIndexOf('/') + 1)
  await cp(program, join(root, 'bin', name), { dereference: true })
  await chmod(join(root, 'bin', name), 0o755)
  if (name === 'busybox') return
  const libraries = await runTool('ldd', [program], { folder: root, signal })
  for (const [, library] of libraries.matchAll(/(?:=> )?(\/\S+) \(0x/g)) {
    if (library === undefined) continue
    // /lib64 is a link to lib in the guest
    const to = join(root, library.replace(/^\/(usr\/)?lib(64)?\//, '/lib/'))
    await mkdir(dirname(to), { recursive: true })
    await cp(library, to, { dereference: true })
  }
}
