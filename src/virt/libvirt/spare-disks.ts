import { open, rename, rm } from 'node:fs/promises'
import { GiB, MiB } from '#base'
import { HypervisorError } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'
import { exists, type GuestFiles } from './guest-files.ts'
import { runLimited } from './qemu-img.ts'

const formatCpuSeconds = 60

/** The flavor's ephemeral disk (ext4, labelled as Nova labels it) and swap disk: sparse raw files, made once. */
export async function makeSpareDisks(spec: GuestSpec, files: GuestFiles): Promise<void> {
  const { ephemeralGiB, swapMiB } = spec.flavor
  if (ephemeralGiB > 0) {
    const format = ['-q', '-F', '-L', 'ephemeral0', '-E', 'lazy_itable_init=1,lazy_journal_init=1']
    await makeDisk(files.ephemeral(spec.id), ephemeralGiB * GiB, 'mkfs.ext4', format)
  }
  if (swapMiB > 0) await makeDisk(files.swap(spec.id), swapMiB * MiB, 'mkswap', ['--quiet'])
}

async function makeDisk(path: string, bytes: number, program: string, args: readonly string[]): Promise<void> {
  if (await exists(path)) return
  const partial = `${path}.part`
  await rm(partial, { force: true })
  const file = await open(partial, 'wx', 0o600)
  try {
    await file.truncate(bytes)
  } finally {
    await file.close()
  }
  const result = await runLimited(program, [...args, partial], { cpuSeconds: formatCpuSeconds })
  if (result.exitCode !== 0) throw HypervisorError({ operation: program, reason: result.stderr })
  await rename(partial, path)
}
