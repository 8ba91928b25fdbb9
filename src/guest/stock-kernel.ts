import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { GuestBuildToolFailed, GuestKernelUnavailable } from './faults.ts'
import { copyModules, modulesOfGuest, modulesOnDemand } from './modules.ts'
import type { GuestBuildOptions } from './progress.ts'
import { runTool } from './tool.ts'
import { makeOnce } from './workshop.ts'

const metaPackage = 'linux-image-cloud-amd64'
/** Kernels of a cache that were laid out for other modules are not for us. */
const choice = createHash('sha256')
  .update(JSON.stringify([modulesOfGuest, modulesOnDemand]))
  .digest('hex')
  .slice(0, 8)

/** A folder of the cache with `vmlinuz`, and `modules/` and `later/` (files that go under /lib/modules/<release>). */
export interface StockKernel {
  readonly key: string
  readonly folder: string
  readonly release: string
}

/**
 * Debian's own kernel for clouds, as apt knows it today. Without a working apt the newest one of the cache is taken,
 * and a .deb laid into <cache>/debs by hand is as good as a download.
 */
export async function stockKernel(options: GuestBuildOptions): Promise<StockKernel> {
  const { cacheDir, progress, signal } = options
  const kernels = join(cacheDir, 'kernels')
  const wanted = await candidate(cacheDir, signal)
  if (wanted === undefined) {
    const last = (await readdir(kernels).catch(() => []))
      .filter(name => name.startsWith('stock-') && name.endsWith(`_${choice}`))
      .sort()
      .at(-1)
    if (last === undefined) throw GuestKernelUnavailable({ package: metaPackage })
    return { key: last, folder: join(kernels, last), release: await releaseOf(join(kernels, last)) }
  }
  const key = `stock-${wanted.name}_${wanted.version.replace(/[^\w.+~-]/g, '_')}_${choice}`
  const folder = join(kernels, key)
  await makeOnce(
    {
      cacheDir,
      key,
      signal,
      onWait: () => progress?.({ stage: 'wait', message: 'another process fetches the kernel' }),
    },
    () =>
      stat(folder).then(
        () => folder,
        () => undefined,
      ),
    async work => {
      const deb = await fetchPackage(wanted.name, work, options)
      progress?.({ stage: 'unpack', message: 'unpacking the kernel' })
      await runTool('dpkg-deb', ['-x', deb, 'package'], { folder: work, signal })
      await layOut(work)
      await mkdir(kernels, { recursive: true })
      await rename(join(work, 'kernel'), folder)
    },
  )
  return { key, folder, release: await releaseOf(folder) }
}

const releaseOf = async (folder: string): Promise<string> => (await readFile(join(folder, 'release'), 'utf8')).trim()

/** What apt would install: reads apt's lists (no network), or else the name of a package in <cache>/debs. */
async function candidate(
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<{ name: string; version: string } | undefined> {
  try {
    const depends = await runTool('apt-cache', ['depends', metaPackage], { folder: '/', signal })
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
    if (name !== undefined) {
      const shown = await runTool('apt-cache', ['show', '--no-all-versions', name], { folder: '/', signal })
      const version = /^Version: (\S+)/m.exec(shown)?.[1]
      if (version !== undefined) return { name, version }
    }
  } catch (error) {
    if (!GuestBuildToolFailed.is(error)) throw error
  }
  const deb = await cachedPackage(cacheDir, 'linux-image-')
  const [name, version] = basename(deb ?? '').split('_')
  return name && version ? { name, version: version.replaceAll('%3a', ':') } : undefined
}

async function cachedPackage(cacheDir: string, prefix: string): Promise<string | undefined> {
  const names = await readdir(join(cacheDir, 'debs')).catch(() => [])
  const name = names
    .filter(each => each.startsWith(prefix) && each.endsWith('.deb'))
    .sort()
    .at(-1)
  return name === undefined ? undefined : join(cacheDir, 'debs', name)
}

async function fetchPackage(name: string, work: string, options: GuestBuildOptions): Promise<string> {
  const cached = await cachedPackage(options.cacheDir, `${name}_`)
  if (cached !== undefined) return cached
  options.progress?.({ stage: 'fetch', message: `fetching ${name}` })
  try {
    await runTool('apt-get', ['download', name], { folder: work, signal: options.signal })
  } catch (error) {
    if (!GuestBuildToolFailed.is(error)) throw error
    throw GuestKernelUnavailable(
      { package: name },
      { cause: error, ...(error.detail === undefined ? {} : { detail: error.detail }) },
    )
  }
  const file = (await readdir(work)).find(each => each.endsWith('.deb'))
  if (file === undefined) throw GuestKernelUnavailable({ package: name })
  const debs = join(options.cacheDir, 'debs')
  await mkdir(debs, { recursive: true })
  await rename(join(work, file), join(debs, file))
  return join(debs, file)
}

/** From the unpacked package: kernel and the few modules a guest needs. */
async function layOut(work: string): Promise<void> {
  const boot = join(work, 'package/boot')
  const image = (await readdir(boot)).find(name => name.startsWith('vmlinuz-'))
  if (image === undefined) throw new Error('the kernel package has no /boot/vmlinuz')
  const release = image.slice('vmlinuz-'.length)
  await mkdir(join(work, 'kernel'))
  await rename(join(boot, image), join(work, 'kernel/vmlinuz'))
  const modules = join(work, 'package/lib/modules', release)
  await copyModules(modules, join(work, 'kernel/modules'), modulesOfGuest)
  await copyModules(modules, join(work, 'kernel/later'), modulesOnDemand)
  await writeFile(join(work, 'kernel/release'), `${release}\n`)
}
