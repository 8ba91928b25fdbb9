import type { InstanceId } from '#base'
import type { Hotplug } from '../../driver.ts'
import { GuestNotFound } from '../../faults.ts'
import type { GuestVif } from '../../guest-spec.ts'
import { statusOf } from '../daemon/daemon-calls.ts'
import { guestVifElement, memoryEncryptionOf, renderXml, throughIommu, type VifWishes } from '../domain/index.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { affect, type DevicePlace, removeFromDefinition, unplug } from '../volumes/device-unplug.ts'
import { nodeAt, nodesAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'
import { changeGuest } from './guest-change.ts'
import type { GuestContext } from './guest-context.ts'
import { hasProcess } from './power.ts'
import { makeBridges } from './wiring.ts'

/** What flavor and image asked for when the guest was defined; its definition tells of it. */
function wishesIn(domain: XmlNode): VifWishes {
  const told = nodeAt(domain, 'metadata', 'nova:instance')
  const named = (...path: readonly string[]): Readonly<Record<string, string>> =>
    Object.fromEntries(
      (told === undefined ? [] : nodesAt(told, ...path)).map(node => [node.attributes['name'] ?? '', node.text.trim()]),
    )
  return {
    flavor: {
      vcpus: Number(textAt(domain, 'vcpu') ?? 1),
      extraSpecs: named('nova:flavor', 'nova:extraSpecs', 'nova:extraSpec'),
    },
    image: { properties: named('nova:image', 'nova:properties', 'nova:property') },
  }
}

/** virDomainXMLFlags */
const inactiveXml = 2

export class LibvirtHotplug implements Hotplug {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  attachVif(id: InstanceId, vif: GuestVif): Promise<void> {
    return changeGuest(this.#context, 'attach interface', id, async () => {
      const places = await this.#places(id)
      const wishes = wishesIn(await this.#domain(id, 'config'))
      const nic = guestVifElement(vif, wishes, this.#context.host)
      const xml = renderXml(memoryEncryptionOf(wishes) === undefined ? nic : throughIommu(nic))
      await makeBridges(this.#context, [vif])
      for (const where of places) {
        if ((await this.#find(id, vif.mac, where)) !== undefined) continue
        await this.#context.client.call(
          procedures.attachDevice,
          { domain: domainById(id), xml, flags: affect[where] },
          'long',
        )
      }
    })
  }

  detachVif(id: InstanceId, mac: string): Promise<void> {
    return changeGuest(this.#context, 'detach interface', id, async () => {
      const find = (where: DevicePlace) => this.#find(id, mac, where)
      for (const where of await this.#places(id)) {
        if (where === 'config') await removeFromDefinition(this.#context, id, find)
        else await unplug(this.#context, id, mac, find)
      }
    })
  }

  /** The definition first: if the guest then does not let go, a restart finishes the job. */
  async #places(id: InstanceId): Promise<readonly DevicePlace[]> {
    const status = await statusOf(this.#context.client, id)
    if (status === undefined) throw GuestNotFound({ id })
    return hasProcess(status) ? ['config', 'live'] : ['config']
  }

  async #find(id: InstanceId, mac: string, where: DevicePlace): Promise<XmlNode | undefined> {
    const wanted = mac.toLowerCase()
    return nodesAt(await this.#domain(id, where), 'devices', 'interface').find(
      nic => nodeAt(nic, 'mac')?.attributes.address?.toLowerCase() === wanted,
    )
  }

  async #domain(id: InstanceId, where: DevicePlace): Promise<XmlNode> {
    const flags = where === 'config' ? inactiveXml : 0
    return parseXml(await this.#context.client.call(procedures.xml, { domain: domainById(id), flags }))
  }
}
