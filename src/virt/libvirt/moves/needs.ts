import { statfs } from 'node:fs/promises'
import { GiB, type InstanceId } from '#base'
import type { MigrationNeeds } from '../../moves.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainById, isLibvirtError, procedures } from '../rpc/index.ts'
import { nodeAt, parseXml, renderNode, textAt, type XmlNode } from '../xml-tree.ts'
import { backingName } from './arriving-disks.ts'
import type { HandoutOffer } from './handout.ts'
import { type LocalDisk, localDisks } from './local-disks.ts'
import { identityOfFiles, isSharedWith, type StorageIdentity } from './storage-identity.ts'

/** virDomainXMLFlags: with secrets, and as another daemon can read it. */
export const migratableXml = 1 | 8

/** What only hosts with libvirt tell each other of a guest. */
export interface LibvirtNeeds {
  readonly id: InstanceId
  readonly disks: readonly LocalDisk[]
  readonly storage: StorageIdentity
  /** Where files are to be had that libvirt does not copy. */
  readonly handout: HandoutOffer | null
  /** The daemons carry the memory; they do not carry disks. */
  readonly isTunnelled: boolean
}

export const detailOf = (needs: MigrationNeeds): LibvirtNeeds => needs.detail as unknown as LibvirtNeeds

export const liveXml = ({ client }: GuestContext, id: InstanceId): Promise<string> =>
  client.call(procedures.xml, { domain: domainById(id), flags: migratableXml }, 'long')

/** Of the guest, if it has one that must be matched: a name for whatever the host has says nothing. */
function guestCpu(domain: XmlNode): XmlNode | undefined {
  const cpu = nodeAt(domain, 'cpu')
  return cpu?.attributes['mode'] === 'custom' && nodeAt(cpu, 'model') !== undefined ? cpu : undefined
}

export async function describeGuest(context: GuestContext, id: InstanceId): Promise<MigrationNeeds> {
  const { files, client, host, handout, migration } = context
  const domain = parseXml(await liveXml(context, id))
  const folder = files.folderOf(id)
  const disks = await localDisks(domain, folder)
  const names = disks.map(disk => disk.name)
  const cpu = guestCpu(domain)
  const plain = disks.filter(disk => disk.isReadOnly).map(({ name }) => [name, `${folder}/${name}`])
  const bases = disks.flatMap(disk => (disk.backing === null ? [] : [[backingName(disk), disk.backing]]))
  const offered = Object.fromEntries([...plain, ...bases]) as Record<string, string>
  const detail: LibvirtNeeds = {
    id,
    disks,
    storage: await identityOfFiles(files.root, folder, names),
    handout: handout === undefined ? null : await handout.offer(id, offered),
    isTunnelled: migration.isTunnelled,
  }
  return {
    hypervisorType: 'QEMU',
    hypervisorVersion: await client.call(procedures.version, undefined),
    cpu: { arch: host.architecture, ...(cpu === undefined ? {} : { xml: renderNode(cpu) }) },
    memoryMiB: Math.ceil(Number(textAt(domain, 'memory') ?? 0) / 1024),
    detail: { ...detail },
  }
}

const incompatible = 0

/** Nova's words. */
async function cpuRefusal({ client, host }: GuestContext, needs: MigrationNeeds): Promise<string | undefined> {
  const { xml } = needs.cpu
  if (typeof xml !== 'string') return undefined
  const args = { arch: host.architecture, virtType: host.virtType, cpu: xml }
  try {
    const result = await client.call(procedures.compareCpu, args, 'long')
    if (result !== incompatible) return undefined
    return `Unacceptable CPU info: CPU doesn't have compatibility.\n\n${result}\n\nRefer to http://libvirt.org/html/libvirt-libvirt-host.html#virCPUCompareResult`
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    return `Unacceptable CPU info: CPU doesn't have compatibility.\n\n${error.message}`
  }
}

async function roomRefusal({ files }: GuestContext, disks: readonly LocalDisk[]): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(files.root)
  const [available, need] = [bavail * bsize, disks.reduce((sum, disk) => sum + disk.virtualBytes, 0)]
  if (need <= available) return undefined
  const gib = (bytes: number) => Math.ceil(bytes / GiB)
  return `Disk of instance is too large(available on destination host:${gib(available)} < need:${gib(need)})`
}

/** Why this host cannot take the guest; undefined when it can. */
export async function refusalOf(
  context: GuestContext,
  needs: MigrationNeeds,
  withDisks: boolean | null,
): Promise<string | undefined> {
  if (needs.hypervisorType !== 'QEMU') return `guests of ${needs.hypervisorType} do not run here`
  const { id, disks, storage, isTunnelled } = detailOf(needs)
  const cpu = context.migration.skipsCpuComparison === true ? undefined : await cpuRefusal(context, needs)
  if (cpu !== undefined || disks.length === 0) return cpu
  const isShared = await seesFiles(context, id, storage)
  if (withDisks === true && isShared)
    return `${context.files.root} is not on local storage: Block migration can not be used with shared storage.`
  if (withDisks === false && !isShared)
    return `${context.files.root} is not on shared storage: Shared storage live-migration requires either shared storage or boot-from-volume with no local disks.`
  if (isShared) return undefined
  if (isTunnelled)
    return `Cannot block migrate instance ${id}: its host tunnels live migrations (live_migration_tunnelled), and disks are not copied through the tunnel.`
  return roomRefusal(context, disks)
}

/** Whether the files of the guest are the same here as there. */
export const seesFiles = ({ files }: GuestContext, id: InstanceId, storage: StorageIdentity): Promise<boolean> =>
  isSharedWith(storage, files.root, files.folderOf(id))
