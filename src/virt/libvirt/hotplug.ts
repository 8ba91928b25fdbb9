import type { InstanceId } from '#base'
import type { Hotplug } from '../driver.ts'
import { GuestNotFound, HypervisorError } from '../faults.ts'
import type { GuestVif } from '../guest-spec.ts'
import { statusOf } from './daemon-calls.ts'
import { renderXml, vifElement } from './domain/index.ts'
import type { GuestContext } from './guest-context.ts'
import { hasProcess } from './power.ts'
import { asFault, domainById, errorCode, isLibvirtError, procedures } from './rpc/index.ts'
import { nodeAt, nodesAt, parseXml, renderNode, type XmlNode } from './xml-tree.ts'

/** virDomainModificationImpact */
const affect = { live: 1, config: 2 } as const
/** virDomainXMLFlags */
const inactiveXml = 2
/** Nova's device_detach_attempts and device_detach_timeout: a guest that is still booting ignores the request. */
const detachAttempts = 8
const detachTimeoutMs = 20_000

export class LibvirtHotplug implements Hotplug {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  attachVif(id: InstanceId, vif: GuestVif): Promise<void> {
    return this.#changing('attach interface', id, async () => {
      const xml = renderXml(vifElement(vif))
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
      for (const where of await this.#places(id)) {
        if (where === 'config') await this.#detachOnce(id, mac, where)
        else await this.#detachLive(id, mac)
      }
    })
  }

  /** The definition first: if the guest then does not let go, a restart finishes the job. */
  async #places(id: InstanceId): Promise<readonly ('config' | 'live')[]> {
    const status = await statusOf(this.#context.client, id)
    if (status === undefined) throw GuestNotFound({ id })
    return hasProcess(status) ? ['config', 'live'] : ['config']
  }

  async #find(id: InstanceId, mac: string, where: 'config' | 'live'): Promise<XmlNode | undefined> {
    const flags = where === 'config' ? inactiveXml : 0
    const document = await this.#context.client.call(procedures.xml, { domain: domainById(id), flags })
    const wanted = mac.toLowerCase()
    return nodesAt(parseXml(document), 'devices', 'interface').find(
      nic => nodeAt(nic, 'mac')?.attributes.address?.toLowerCase() === wanted,
    )
  }

  /** False when there is no such interface. */
  async #detachOnce(id: InstanceId, mac: string, where: 'config' | 'live'): Promise<boolean> {
    const nic = await this.#find(id, mac, where)
    if (nic === undefined) return false
    const xml = renderNode(nic)
    try {
      await this.#context.client.call(
        procedures.detachDevice,
        { domain: domainById(id), xml, flags: affect[where] },
        'long',
      )
    } catch (error) {
      if (isLibvirtError(error, errorCode.deviceMissing)) return false
      // The request before this one is still with the guest.
      if (!isLibvirtError(error, errorCode.operationFailed, errorCode.internal)) throw error
    }
    return true
  }

  async #detachLive(id: InstanceId, mac: string): Promise<void> {
    for (let attempt = 0; attempt < detachAttempts; attempt++) {
      const isAsked = await this.#detachOnce(id, mac, 'live')
      if (!isAsked || (await this.#whenGone(id, mac))) return
    }
    throw HypervisorError({ operation: 'detach interface', reason: 'the guest does not release the device' })
  }

  #whenGone(id: InstanceId, mac: string): Promise<boolean> {
    const { client, clock } = this.#context
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void) => {
        unsubscribe()
        cancelTimer()
        settled()
      }
      const look = () =>
        void this.#find(id, mac, 'live').then(
          nic => {
            if (nic === undefined) settle(() => resolve(true))
          },
          (error: unknown) => settle(() => (isLibvirtError(error) ? resolve(true) : reject(error as Error))),
        )
      const unsubscribe = client.onEvent(event => {
        if (event.kind === 'reconnected' || event.domain.uuid === id) look()
      })
      const cancelTimer = clock.after(detachTimeoutMs, () => settle(() => resolve(false)))
      look()
    })
  }

  async #changing(operation: string, id: InstanceId, work: () => Promise<void>): Promise<void> {
    try {
      await this.#context.changes.run(id, work)
    } catch (error) {
      throw asFault(error, operation, id)
    }
  }
}
