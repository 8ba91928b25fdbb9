import { createHash } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { GuestBuildToolFailed, GuestKernelCompileFailed } from './faults.ts'
import { kernelEdits } from './kernel-edits.ts'
import type { GuestBuildOptions } from './progress.ts'
import { runTool } from './tool.ts'
import { makeOnce, publish } from './workshop.ts'

const configFile = join(import.meta.dirname, 'kernel.config')
const sourceArchive = '/usr/src/linux-source-6.1.tar.xz'
const source = 'linux-source-6.1'

/** Lines like "  CC  kernel/fork.o" that a whole `make bzImage` prints; measured with 6.1.192, only for the percentage. */
const stepsOfCompile = 1882

/** What the build never reads: halves the time of unpacking and saves 900 MB. Kconfig and make files must all stay. */
const unneeded = [
  'arch/[!x]*.[chS]',
  'arch/[!x]*/dts/*',
  'arch/[!x]*_defconfig',
  'Documentation/*/*',
  'drivers/gpu/drm/*.[ch]',
  'drivers/media/*.[ch]',
  'drivers/net/wireless/*.[ch]',
  'sound/*.[ch]',
  'tools/testing/*',
]

/** The key of the compiled kernel: our configuration, our changes, and the version of Debian's source. */
export async function tinyKernelKey(signal?: AbortSignal): Promise<string> {
  const recipe = createHash('sha256')
    .update(await readFile(configFile))
    .update(JSON.stringify(kernelEdits))
  const version = await runTool('dpkg-query', ['-W', '-f', '${Version}', source], { folder: '/', signal })
  return `tiny-${version.replace(/[^\w.+~-]/g, '_')}-${recipe.digest('hex').slice(0, 16)}`
}

/** Path of the compiled kernel in the cache; compiles it (about six CPU minutes) when it is not there. */
export async function tinyKernel(options: GuestBuildOptions): Promise<{ path: string; key: string }> {
  const { cacheDir, progress, signal } = options
  const key = await tinyKernelKey(signal)
  const path = join(cacheDir, 'kernels', `${key}.bzImage`)
  await makeOnce(
    {
      cacheDir,
      key,
      signal,
      onWait: () => progress?.({ stage: 'wait', message: 'another process compiles the kernel' }),
    },
    () =>
      stat(path).then(
        () => path,
        () => undefined,
      ),
    async folder => {
      await compile(folder, options)
      await mkdir(join(cacheDir, 'kernels'), { recursive: true })
      await publish(join(folder, source, 'arch/x86/boot/bzImage'), path)
    },
  )
  return { path, key }
}

async function compile(folder: string, { progress, signal }: GuestBuildOptions): Promise<void> {
  progress?.({ stage: 'unpack', message: 'unpacking the kernel source' })
  const excludes = unneeded.map(pattern => `--exclude=${source}/${pattern}`)
  await runTool('tar', ['-x', '-f', sourceArchive, ...excludes], { folder, signal })
  const tree = join(folder, source)
  await applyEdits(tree)
  const environment = { KCONFIG_ALLCONFIG: configFile, KBUILD_BUILD_USER: 'nova', KBUILD_BUILD_HOST: 'guest' }
  let steps = 0
  let shown = -1
  const onLine = (line: string) => {
    if (!/^ {2}[A-Z]+ /.test(line)) return
    const percent = Math.min(99, Math.floor((++steps * 100) / stepsOfCompile))
    if (percent === shown) return
    shown = percent
    progress?.({ stage: 'compile', message: 'compiling the kernel', percent })
  }
  try {
    await runTool('make', ['allnoconfig'], { folder: tree, signal, environment, onLine })
    await runTool('make', [`-j${availableParallelism()}`, 'bzImage'], { folder: tree, signal, environment, onLine })
  } catch (error) {
    if (!GuestBuildToolFailed.is(error)) throw error
    const exitCode = error.params['exitCode']
    throw GuestKernelCompileFailed(
      { exitCode: typeof exitCode === 'number' ? exitCode : String(exitCode) },
      { cause: error, ...(error.detail === undefined ? {} : { detail: error.detail }) },
    )
  }
  progress?.({ stage: 'compile', message: 'kernel compiled', percent: 100 })
}

async function applyEdits(tree: string): Promise<void> {
  for (const edit of kernelEdits) {
    const before = await readFile(join(tree, edit.file), 'utf8')
    // a later source package may have the change, or other code: then ours is left out, it only saves time
    if (before.split(edit.find).length !== 2) continue
    await writeFile(
      join(tree, edit.file),
      before.replace(edit.find, () => edit.replace),
    )
  }
}
