import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InstanceId } from '#base'
import { HypervisorError, ResizeRefused } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import type { MoveOffer } from '../../moves.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists, nvramName } from '../guest/guest-files.ts'
import { nodeAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'
import { backingName } from './arriving-disks.ts'
import type { HandoutOffer } from './handout.ts'
import { type LocalDisk, localDisks } from './local-disks.ts'
import { identityOfFiles, type StorageIdentity } from './storage-identity.ts'
import { packTpm, tpmPack } from './tpm-state.ts'

/** What only hosts with libvirt tell each other of a guest that is off. */
export interface ColdDetail {
  readonly id: InstanceId
  readonly disks: readonly LocalDisk[]
  /** Beside the disks: what the guest's firmware and its TPM remember. */
  readonly files: readonly string[]
  /** Of the files that are set aside. */
  readonly storage: StorageIdentity
  readonly handout: HandoutOffer | null
}

const swapName = 'disk.swap'

/** Made anew in the size of the flavor; nobody misses what was in it. */
export const isSwapDisk = (disk: LocalDisk): boolean => disk.name.startsWith(swapName)

export async function offerOf(context: GuestContext, id: InstanceId): Promise<MoveOffer> {
  const { files, handout } = context
  const folder = files.asideFolder(id)
  const domain = parseXml(await readFile(join(folder, 'libvirt.xml'), 'utf8'))
  const disks = (await localDisks(domain, folder)).filter(disk => !isSwapDisk(disk))
  await packTpm(context, id, folder)
  const kept: string[] = []
  for (const name of [nvramName, tpmPack]) if (await exists(join(folder, name))) kept.push(name)
  const names = [...disks.map(({ name }) => name), ...kept]
  const own = names.map(name => [name, join(folder, name)])
  const bases = disks.flatMap(disk => (disk.backing === null ? [] : [[backingName(disk), disk.backing]]))
  const offered = Object.fromEntries([...own, ...bases]) as Record<string, string>
  const detail: ColdDetail = {
    id,
    disks,
    files: kept,
    storage: await identityOfFiles(files.root, folder, ['libvirt.xml', ...names]),
    handout: handout === undefined ? null : await handout.offer(`${id}_resize`, offered),
  }
  return { hypervisorType: 'QEMU', detail: { ...detail } }
}

export function coldDetailOf({ hypervisorType, detail }: MoveOffer): ColdDetail {
  if (hypervisorType === 'QEMU') return detail as unknown as ColdDetail
  const reason = `the guest comes from a hypervisor of type ${hypervisorType}`
  throw HypervisorError({ operation: 'receive', reason })
}

/** The flavor with which the guest was last started stands in its definition, as Nova writes it there. */
function flavorOf(domain: XmlNode): { readonly rootGiB: number; readonly ephemeralGiB: number } {
  const flavor = nodeAt(domain, 'metadata', 'nova:instance', 'nova:flavor')
  const count = (name: string) => (flavor === undefined ? 0 : Number(textAt(flavor, name) ?? 0))
  return { rootGiB: count('nova:disk'), ephemeralGiB: count('nova:ephemeral') }
}

/** There is no way to make a disk smaller without breaking what is on it. */
export async function refuseShrinking(context: GuestContext, spec: GuestSpec): Promise<void> {
  const { files } = context
  const now = flavorOf(parseXml(await readFile(files.definition(spec.id), 'utf8')))
  const { rootGiB, ephemeralGiB } = spec.flavor
  const shrinksRoot = (await files.hasDisk(spec.id)) && rootGiB < now.rootGiB
  if (shrinksRoot || ephemeralGiB < now.ephemeralGiB) throw ResizeRefused({ reason: 'Unable to resize disk down.' })
}
