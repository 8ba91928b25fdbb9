import type { InstanceId } from '#base'
import { GuestNotFound } from '../../faults.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { hasProcess } from '../guest/power.ts'
import { domainById, type LibvirtClient, procedures } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'

/** virDomainXMLFlags */
const inactiveXml = 2

/** A volume of a guest: where it is now and where it will be at the next start, which differ only after an interruption. */
export interface AttachedVolume {
  readonly target: string
  readonly live: XmlNode | undefined
  readonly config: XmlNode | undefined
}

export const targetOfNode = (disk: XmlNode): string => nodeAt(disk, 'target')?.attributes['dev'] ?? ''
export const aliasOfNode = (disk: XmlNode): string => nodeAt(disk, 'alias')?.attributes['name'] ?? ''
const serialOf = (disk: XmlNode): string | undefined => textAt(disk, 'serial')

/**
 * The disks of a guest. The definition says which volume is where: what a guest sees as serial number cannot be changed
 * while it runs, so after a swap its running disk still has the number of the volume before.
 */
export class AttachedDisks {
  /** Of the definition. */
  readonly config: XmlNode
  /** Of the running guest; undefined for one that is off. */
  readonly live: XmlNode | undefined

  private constructor(config: XmlNode, live: XmlNode | undefined) {
    this.config = config
    this.live = live
  }

  /** Throws `GuestNotFound`. */
  static async read(client: LibvirtClient, id: InstanceId): Promise<AttachedDisks> {
    const status = await statusOf(client, id)
    if (status === undefined) throw GuestNotFound({ id })
    const document = async (flags: number) =>
      parseXml(await client.call(procedures.xml, { domain: domainById(id), flags }))
    return new AttachedDisks(await document(inactiveXml), hasProcess(status) ? await document(0) : undefined)
  }

  find(volumeId: string): AttachedVolume | undefined {
    const config = disksOf(this.config).find(disk => serialOf(disk) === volumeId)
    if (config !== undefined) {
      const target = targetOfNode(config)
      return { target, config, live: this.at(target) }
    }
    const defined = new Set(disksOf(this.config).map(targetOfNode))
    const live = disksOf(this.live).find(disk => serialOf(disk) === volumeId && !defined.has(targetOfNode(disk)))
    return live === undefined ? undefined : { target: targetOfNode(live), config: undefined, live }
  }

  /** The running disk under this name. */
  at(target: string): XmlNode | undefined {
    return disksOf(this.live).find(disk => targetOfNode(disk) === target)
  }

  get targets(): ReadonlySet<string> {
    return new Set([...disksOf(this.config), ...disksOf(this.live)].map(targetOfNode))
  }

  get aliases(): ReadonlySet<string> {
    return new Set(disksOf(this.live).map(aliasOfNode))
  }

  get isExpress(): boolean {
    const machine = nodeAt(this.config, 'os', 'type')?.attributes['machine'] ?? ''
    return machine.includes('q35')
  }

  get hasEncryptedMemory(): boolean {
    return nodeAt(this.config, 'launchSecurity') !== undefined
  }

  /** Undefined: it has no SCSI controller. */
  get scsiModel(): string | undefined {
    const controllers = nodesAt(this.config, 'devices', 'controller')
    const first = controllers.find(({ attributes: a }) => a['type'] === 'scsi' && a['index'] === '0')
    return first?.attributes['model']
  }
}

const disksOf = (domain: XmlNode | undefined): readonly XmlNode[] =>
  domain === undefined ? [] : nodesAt(domain, 'devices', 'disk')
