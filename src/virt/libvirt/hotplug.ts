import type { InstanceId } from '#base'
import type { Hotplug } from '../driver.ts'
import { GuestNotFound } from '../faults.ts'
import type { GuestVif } from '../guest-spec.ts'
import { statusOf } from './daemon-calls.ts'
import { affect, type DevicePlace, removeFromDefinition, unplug } from './device-unplug.ts'
import { hostVifOptions, renderXml, vifElement } from './domain/index.ts'
import type { GuestContext } from './guest-context.ts'
import { hasProcess } from './power.ts'
import { asFault, domainById, procedures } from './rpc/index.ts'
import { nodeAt, nodesAt, parseXml, type XmlNode } from './xml-tree.ts'

/** virDomainXMLFlags */
const inactiveXml = 2

export class LibvirtHotplug implements Hotplug {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  attachVif(id: InstanceId, vif: GuestVif): Promise<void> {
    return this.#changing('attach interface', id, async () => {
      const xml = renderXml(vifElement(vif, hostVifOptions(this.#context.host.settings)))
      for (const where of await this.#places(id)) {
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
    return this.#changing('detach interface', id, async () => {
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
    const flags = where === 'config' ? inactiveXml : 0
    const document = await this.#context.client.call(procedures.xml, { domain: domainById(id), flags })
    const wanted = mac.toLowerCase()
    return nodesAt(parseXml(document), 'devices', 'interface').find(
      nic => nodeAt(nic, 'mac')?.attributes.address?.toLowerCase() === wanted,
    )
  }

  async #changing(operation: string, id: InstanceId, work: () => Promise<void>): Promise<void> {
    try {
      await this.#context.changes.run(id, work)
    } catch (error) {
      throw asFault(error, operation, id)
    }
  }
}
