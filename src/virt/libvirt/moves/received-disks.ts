import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GiB } from '#base'
import { HypervisorError } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { passphraseOf } from '../disks/disk-key.ts'
import { fullOr, mustHaveRoom } from '../disks/disk-room.ts'
import { growDisk } from '../disks/grow-disk.ts'
import { encryptionOf, makeSpareDisks } from '../disks/spare-disks.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { recordFormat } from '../images/disk-info.ts'
import { type KeyedDisk, keyedQemuImg } from '../images/keyed-qemu-img.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { runLimited } from '../images/qemu-img.ts'
import { backingHere } from './arriving-disks.ts'
import type { ColdDetail } from './cold-offer.ts'
import { FileFetcher } from './fetch-files.ts'
import type { LocalDisk } from './local-disks.ts'
import { isSharedWith } from './storage-identity.ts'
import { unpackTpm } from './tpm-state.ts'

const copyCpuSeconds = 1800
const rebaseCpuSeconds = 60

/** The disks of a guest that comes, in its folder here, in the size of the new flavor. Goes on where it was cut short. */
export async function receiveDisks(context: GuestContext, detail: ColdDetail, spec: GuestSpec): Promise<void> {
  const { files } = context
  await files.make(spec.id)
  await files.own(spec.id)
  const aside = files.asideFolder(spec.id)
  const isHere = await isSharedWith(detail.storage, files.root, aside)
  const fetcher = detail.handout === null ? undefined : new FileFetcher(detail.handout)
  try {
    const bring = async (name: string, path: string): Promise<void> => {
      if (isHere) await copyFile(context, join(aside, name), path)
      else if (fetcher !== undefined) await fetcher.fetch(name, path)
      else throw HypervisorError({ operation: 'receive', reason: 'the other host hands out no files' })
    }
    for (const disk of detail.disks) {
      const path = join(files.folderOf(spec.id), disk.name)
      // Written first, and looked at whenever there is a disk.
      await recordFormat(path, disk.format)
      await bring(disk.name, path)
      await rebase(context, spec, disk, path, isHere ? undefined : fetcher)
      await grow(context, disk, path, spec)
    }
    for (const name of detail.files) await bring(name, join(files.folderOf(spec.id), name))
  } finally {
    fetcher?.close()
  }
  await unpackTpm(context, spec.id, files.folderOf(spec.id))
  await makeSpareDisks(spec, files, context.ephemeralFormat)
}

/** The other one may still be wanted, so it is a copy in any case; as sparse as it was. */
async function copyFile({ storage }: GuestContext, from: string, to: string): Promise<void> {
  if (await exists(to)) return
  const partial = `${to}.part`
  const { blocks } = await stat(from)
  await mustHaveRoom(join(to, '..'), blocks * 512)
  const args = ['--reflink=auto', '--sparse=always', '--preserve=mode', from, partial]
  try {
    const { exitCode, stderr } = await storage.heavy.run(() => runLimited('cp', args, { cpuSeconds: copyCpuSeconds }))
    if (exitCode !== 0) throw HypervisorError({ operation: 'copy of a disk', reason: stderr })
    await rename(partial, to)
  } catch (error) {
    throw fullOr(error, to, blocks * 512)
  } finally {
    await rm(partial, { force: true })
  }
}

/** The image under an overlay lies elsewhere on this host. */
async function rebase(
  context: GuestContext,
  spec: GuestSpec,
  disk: LocalDisk,
  path: string,
  fetcher: FileFetcher | undefined,
): Promise<void> {
  if (disk.backing === null) return
  const base = await backingHere(context, spec, { ...disk, backing: disk.backing }, fetcher)
  if ((await qcow2HeaderOf(path))?.backingFile === base.path) return
  // Only the name in its header: the content under it is the same.
  const overlay: KeyedDisk = { path, format: 'qcow2', passphrase: passphraseFor(context, spec, disk) }
  const under = ['-F', base.format, '-b', base.path]
  const argsFor = ([name = '']: readonly string[]) => ['-q', '-u', ...under, '--image-opts', name]
  const { exitCode, stderr } = await keyedQemuImg('rebase', [overlay], argsFor, { cpuSeconds: rebaseCpuSeconds })
  if (exitCode !== 0) throw HypervisorError({ operation: 'receive', reason: stderr })
}

/** The flavor's whole share goes to an ephemeral disk that is the only one. */
function wantedGiB(disk: LocalDisk, { flavor, disks }: GuestSpec): number {
  if (disk.name === 'disk') return flavor.rootGiB
  const isOnly = disks.filter(({ kind }) => kind === 'ephemeral').length === 1
  return isOnly && disk.name.startsWith('disk.eph') ? flavor.ephemeralGiB : 0
}

async function grow(context: GuestContext, disk: LocalDisk, path: string, spec: GuestSpec): Promise<void> {
  const gib = wantedGiB(disk, spec)
  if (gib * GiB > disk.virtualBytes) await growDisk(path, disk.format, gib * GiB, passphraseFor(context, spec, disk))
}

const passphraseFor = ({ files }: GuestContext, spec: GuestSpec, { name }: LocalDisk): Buffer | undefined =>
  passphraseOf(encryptionOf(spec, files, name))
