import { createHash } from 'node:crypto'
import { access, cp, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { GiB } from '#base'
import { makeDisk } from './disk.ts'
import { GuestBuildCancelled, GuestHostUnsupported, GuestToolMissing } from './faults.ts'
import { makeInitrd } from './initrd.ts'
import { type GuestImageKind, guestRequirements } from './packages.ts'
import type { GuestBuildOptions } from './progress.ts'
import { makeRootTree } from './root-tree.ts'
import { stockKernel } from './stock-kernel.ts'
import { tinyKernel } from './tiny-kernel.ts'
import { runTool } from './tool.ts'
import { makeOnce, publish } from './workshop.ts'

/** A finished image and all that an image service wants to know about it. */
export interface GuestImage {
  readonly path: string
  readonly sizeBytes: number
  readonly md5: string
  readonly sha256: string
  readonly sha512: string
  readonly minRamMiB: number
  readonly minDiskGiB: number
  readonly diskFormat: 'qcow2'
  readonly virtualSizeBytes: number
  /** Image properties worth setting: what the guest has drivers for and how Nova should treat it. */
  readonly properties: Readonly<Record<string, string>>
}

const minRamMiB: Readonly<Record<GuestImageKind, number>> = { stock: 96, tiny: 64 }

const properties = {
  architecture: 'x86_64',
  hw_disk_bus: 'virtio',
  hw_qemu_guest_agent: 'yes',
  hw_rng_model: 'virtio',
  hw_vif_model: 'virtio',
  os_admin_user: 'cirros',
  os_distro: 'cirros',
  os_type: 'linux',
}

/** Debian's own cloud kernel: built in seconds, needs 96 MiB. */
export const buildStockImage = (options: GuestBuildOptions): Promise<GuestImage> => build('stock', options)

/** Our own small kernel, compiled once per cache: boots in 64 MiB; the image called `cirros`. */
export const buildTinyImage = (options: GuestBuildOptions): Promise<GuestImage> => build('tiny', options)

async function build(kind: GuestImageKind, given: GuestBuildOptions): Promise<GuestImage> {
  // tools run in other folders
  const options = { ...given, cacheDir: resolve(given.cacheDir) }
  const { cacheDir, progress, signal } = options
  if (signal?.aborted) throw GuestBuildCancelled({})
  await checkHost(kind)
  const stock = kind === 'stock' ? await stockKernel(options) : undefined
  const kernel =
    stock === undefined ? await tinyKernel(options) : { path: join(stock.folder, 'vmlinuz'), key: stock.key }
  const key = `${kind}-${await imageHash(kernel.key, signal)}`
  const images = join(cacheDir, 'images')
  const image = await makeOnce(
    { cacheDir, key, signal, onWait: () => progress?.({ stage: 'wait', message: 'another process builds the image' }) },
    () => readImage(images, key),
    async folder => {
      progress?.({ stage: 'root', message: 'filling the root file system' })
      const rootTree = join(folder, 'root')
      await makeRootTree(rootTree, signal)
      if (stock !== undefined)
        await cp(join(stock.folder, 'later'), join(rootTree, 'lib/modules', stock.release), { recursive: true })
      const initrd = stock === undefined ? undefined : await makeInitrd(stock, join(folder, 'initrd-tree'))
      progress?.({ stage: 'disk', message: 'assembling the disk' })
      const parts = { kernel: kernel.path, bootsFromUefi: stock === undefined, rootTree }
      const disk = await makeDisk(folder, initrd === undefined ? parts : { ...parts, initrd }, signal)
      await mkdir(images, { recursive: true })
      const description = {
        ...(await describe(disk.path)),
        virtualSizeBytes: disk.virtualSizeBytes,
        minRamMiB: minRamMiB[kind],
      }
      await writeFile(join(folder, 'description'), JSON.stringify(description, undefined, 2))
      await publish(disk.path, join(images, `${key}.qcow2`))
      await rename(join(folder, 'description'), join(images, `${key}.json`))
    },
  )
  progress?.({ stage: 'done', message: image.path })
  return image
}

async function checkHost(kind: GuestImageKind): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw GuestHostUnsupported({ reason: `guests are x86-64 Linux, this is ${process.arch} ${process.platform}` })
  }
  const missing = []
  for (const entry of guestRequirements[kind]) {
    if (
      !(await access(entry.file).then(
        () => true,
        () => false,
      ))
    )
      missing.push(entry)
  }
  if (missing.length === 0) return
  throw GuestToolMissing({ files: missing.map(entry => entry.file), packages: missing.map(entry => entry.name) })
}

/** Everything the image is made of: this folder (recipes and root tree), the kernel, the versions of the packages. */
async function imageHash(kernelKey: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256').update(kernelKey)
  const own = import.meta.dirname
  for (const name of (await readdir(own, { recursive: true })).sort()) {
    const status = await stat(join(own, name))
    if (!status.isFile() || name.endsWith('.test.ts')) continue
    hash.update(`\0${name}\0${status.mode & 0o777}\0`).update(await readFile(join(own, name)))
  }
  const names = guestRequirements.stock.map(entry => entry.name)
  hash.update(await runTool('dpkg-query', ['-W', ...names, 'libc6'], { folder: '/', signal }))
  return hash.digest('hex').slice(0, 16)
}

async function describe(path: string) {
  const content = await readFile(path)
  const sum = (algorithm: string) => createHash(algorithm).update(content).digest('hex')
  return { sizeBytes: content.length, md5: sum('md5'), sha256: sum('sha256'), sha512: sum('sha512') }
}

type Description = Omit<GuestImage, 'path' | 'minDiskGiB' | 'diskFormat' | 'properties'>

async function readImage(folder: string, key: string): Promise<GuestImage | undefined> {
  const path = join(folder, `${key}.qcow2`)
  try {
    const description: Description = JSON.parse(await readFile(join(folder, `${key}.json`), 'utf8'))
    if ((await stat(path)).size !== description.sizeBytes) return undefined
    const minDiskGiB = Math.ceil(description.virtualSizeBytes / GiB)
    return { path, ...description, minDiskGiB, diskFormat: 'qcow2', properties }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}
