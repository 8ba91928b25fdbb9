/**
 * Writes the image of a config drive.
 *
 * The image appears under its name complete or not at all. Leftovers of a crash have fixed names beside it and are
 * replaced by the next attempt; one image is written by one caller at a time (its guest's queue).
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import type { DriveFile } from './config-drive.ts'
import { ConfigDriveToolFailed } from './faults.ts'

export interface DriveImageOptions {
  /** The image to make. */
  readonly path: string
  readonly files: readonly DriveFile[]
  /** [DEFAULT]config_drive_format. */
  readonly format: 'iso9660' | 'vfat'
  /** [DEFAULT]mkisofs_cmd. */
  readonly mkisofs: string
  /** Product and version, as the image's publisher. */
  readonly publisher: string
  readonly signal?: AbortSignal
}

const label = 'config-2'
const vfatBytes = 64 * 1024 * 1024
const run = promisify(execFile)

async function runTool(tool: string, args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  try {
    await run(tool, args, {
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    const reason = code === 'ENOENT' ? 'not installed' : (stderr ?? '').trim() || message
    throw ConfigDriveToolFailed({ tool, reason }, { cause: error })
  }
}

async function writeTree(folder: string, files: readonly DriveFile[]): Promise<void> {
  // The tree holds the admin password.
  await mkdir(folder, { mode: 0o700 })
  for (const { path, content } of files) {
    const target = join(folder, path)
    if (normalize(path).startsWith('..')) throw new Error(`a file of a config drive may not leave it: ${path}`)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { flush: false })
  }
}

const nameRules = ['-ldots', '-allow-lowercase', '-allow-multidot', '-l']

const isoArguments = (options: DriveImageOptions, fresh: string, tree: string): string[] => [
  '-o',
  fresh,
  ...nameRules,
  '-publisher',
  options.publisher,
  '-quiet',
  '-J',
  '-r',
  '-V',
  label,
  tree,
]

async function makeVfat(fresh: string, tree: string, signal: AbortSignal | undefined): Promise<void> {
  await writeFile(fresh, '')
  await truncate(fresh, vfatBytes)
  await runTool('mkfs.vfat', ['-n', label, fresh], signal)
  const entries = (await readdir(tree)).map(name => join(tree, name))
  await runTool('mcopy', ['-s', '-i', fresh, ...entries, '::'], signal)
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

export async function writeDriveImage(options: DriveImageOptions): Promise<void> {
  const { path, signal } = options
  const tree = `${path}.tree`
  const fresh = `${path}.new`
  const clean = () => Promise.all([tree, fresh].map(leftover => rm(leftover, { recursive: true, force: true })))
  await clean()
  try {
    await writeTree(tree, options.files)
    if (options.format === 'vfat') await makeVfat(fresh, tree, signal)
    else await runTool(options.mkisofs, isoArguments(options, fresh, tree), signal)
    // The hypervisor's user is ours, or libvirt gives it the file (dynamic_ownership): nobody else reads the password.
    await chmod(fresh, 0o600)
    await flush(fresh)
    await rename(fresh, path)
  } finally {
    await clean()
  }
}
