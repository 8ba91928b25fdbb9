import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HypervisorError } from '../../faults.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { runLimited } from '../images/qemu-img.ts'

/*
 * The state of an emulated TPM lies with the daemon, not with the guest's files. For a move of a guest that is off it is
 * packed beside them; with a guest that runs it goes in the stream of its memory.
 */

export const tpmPack = 'tpm.tar'
const tarCpuSeconds = 60

async function tar(...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runLimited('tar', args, { cpuSeconds: tarCpuSeconds })
  if (exitCode !== 0) throw HypervisorError({ operation: 'move of the TPM', reason: stderr })
}

const stateFolder = ({ daemonFolder }: GuestContext): string => join(daemonFolder, 'swtpm')

/** Into that folder; a guest without a TPM has nothing to pack. */
export async function packTpm(context: GuestContext, id: string, folder: string): Promise<void> {
  const states = stateFolder(context)
  const path = join(folder, tpmPack)
  if ((await exists(path)) || !(await exists(join(states, id)))) return
  await tar('-C', states, '-cf', `${path}.part`, id)
  await rename(`${path}.part`, path)
}

/** From that folder to where the daemon looks for it; what is there already is the guest's, and stays. */
export async function unpackTpm(context: GuestContext, id: string, folder: string): Promise<void> {
  const states = stateFolder(context)
  const path = join(folder, tpmPack)
  if (!(await exists(path))) return
  if (!(await exists(join(states, id)))) {
    await mkdir(states, { recursive: true, mode: 0o711 })
    const fresh = join(states, `${id}.part`)
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { mode: 0o700 })
    await tar('-C', fresh, '-xpf', path)
    await rename(join(fresh, id), join(states, id))
    await rm(fresh, { recursive: true, force: true })
  }
  await rm(path, { force: true })
}
