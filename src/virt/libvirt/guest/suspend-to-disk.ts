import type { InstanceId } from '#base'
import { power } from '../../driver.ts'
import { GuestInWrongState, HypervisorError } from '../../faults.ts'
import type { SuspendToDisk } from '../../guest-facets.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { forgetSavedMemory, hasSavedMemory } from '../host/managed-memory.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { giveSecrets } from '../secrets/guest-secrets.ts'
import { setClock } from '../snapshots/guest-agent.ts'
import { AttachedDisks, targetOfNode } from '../volumes/attached-disks.ts'
import { LibvirtVolumes } from '../volumes/volumes.ts'
import { nodeAt, nodesAt, parseXml } from '../xml-tree.ts'
import { LibvirtGuest } from './guest.ts'
import type { GuestContext } from './guest-context.ts'
import { whenStatus } from './guest-shutdown.ts'
import { LibvirtHotplug } from './hotplug.ts'
import { type DomainStatus, hasProcess, isSaving, powerOf } from './power.ts'
import { makeBridges } from './wiring.ts'

/** Of virDomainSaveRestoreFlags: it runs when it goes on, also when it was paused before. */
const goesOnRunning = 2
/** As long as a call of libvirt itself may take. */
const savingMs = 600_000
/** What QEMU says of memory that it cannot read; any other failure may pass, and the memory stays for the next attempt. */
const unreadable = /load of migration failed|error while loading state|Unknown savevm section|Not a migration stream/

/**
 * libvirt's managed save: the memory lies in a file of libvirt's, and the guest is off, as libvirt and Nova show it. A save
 * or a restore that a process before us asked for goes on without it, so both wait for what is under way first.
 */
export class LibvirtSuspendToDisk implements SuspendToDisk {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  suspend(id: InstanceId): Promise<void> {
    const { client } = this.#context
    const { changing, existing } = new LibvirtGuest(id, this.#context).steps
    return changing('suspend', async () => {
      const status = await this.#saved(id, await existing())
      if (!hasProcess(status)) {
        if (await hasSavedMemory(client, id)) return
        throw GuestInWrongState({ id, operation: 'suspend', state: 'shut down' })
      }
      try {
        await client.call(procedures.managedSave, { domain: domainById(id), flags: goesOnRunning }, 'long')
      } catch (error) {
        // It came behind another one, which has done it.
        if (!isLibvirtError(error) || hasProcess(await existing()) || !(await hasSavedMemory(client, id))) throw error
      }
    })
  }

  async resume(id: InstanceId, spec: GuestSpec): Promise<void> {
    const { client } = this.#context
    const { changing, existing, runAgain } = new LibvirtGuest(id, this.#context).steps
    await changing('resume', async () => {
      const status = await this.#saved(id, await existing())
      // Between the two halves of a restore libvirt shows it as paused.
      if (powerOf(status) === power.paused) return client.call(procedures.resume, domainById(id), 'long')
      if (hasProcess(status)) return
      // libvirt may have forgotten since what opens them.
      await this.#context.connections.prepare(spec)
      await giveSecrets(this.#context.secrets, spec)
      await makeBridges(this.#context, spec.vifs)
      if (await this.#hasLostDisks(id)) await forgetSavedMemory(client, id)
      if (await this.#restore(id)) await setClock(this.#context, id)
      else await runAgain(spec)
    })
    await this.#matchInterfaces(id, spec)
    const volumes = new LibvirtVolumes(this.#context)
    for (const disk of spec.disks) if (disk.volume !== null) await volumes.attach(id, disk)
  }

  /** A volume that was taken away since is somebody else's by now, and memory that knows it cannot go on without it. */
  async #hasLostDisks(id: InstanceId): Promise<boolean> {
    const { client, log } = this.#context
    if (!(await this.#hasHeader(id))) return false
    const saved = parseXml(await client.call(procedures.managedSaveXml, domainById(id)))
    const { targets } = await AttachedDisks.read(client, id)
    const isLost = nodesAt(saved, 'devices', 'disk').some(disk => !targets.has(targetOfNode(disk)))
    if (isLost) log.warn({ instance_id: id }, 'a disk was taken from the suspended guest, which therefore boots')
    return isLost
  }

  /** The memory knows the interfaces that were there when it was saved; some may have come or gone since. */
  async #matchInterfaces(id: InstanceId, spec: GuestSpec): Promise<void> {
    const { changing } = new LibvirtGuest(id, this.#context).steps
    const asked = { domain: domainById(id), flags: 0 }
    const document = await changing('resume', () => this.#context.client.call(procedures.xml, asked))
    const there = nodesAt(parseXml(document), 'devices', 'interface').flatMap(
      nic => nodeAt(nic, 'mac')?.attributes.address?.toLowerCase() ?? [],
    )
    const wanted = new Map(spec.vifs.map(vif => [vif.mac.toLowerCase(), vif]))
    const hotplug = new LibvirtHotplug(this.#context)
    for (const [mac, vif] of wanted) if (!there.includes(mac)) await hotplug.attachVif(id, vif)
    for (const mac of there) {
      if (wanted.has(mac)) continue
      await hotplug.detachVif(id, mac).catch((error: unknown) => {
        this.#context.log.warn({ instance_id: id, mac, err: error }, 'the resumed guest keeps an interface it has lost')
      })
    }
  }

  /** The state, after a save has ended that is under way. */
  async #saved(id: InstanceId, status: DomainStatus): Promise<DomainStatus> {
    if (!isSaving(status)) return status
    const isOver = await whenStatus(this.#context, id, savingMs, now => now === undefined || !isSaving(now))
    if (!isOver) throw HypervisorError({ operation: 'suspend', reason: 'the memory is still being written' })
    return new LibvirtGuest(id, this.#context).steps.existing()
  }

  /** False when there is no memory to go on from, or none that can be read. */
  async #restore(id: InstanceId): Promise<boolean> {
    const { client, log } = this.#context
    if (!(await hasSavedMemory(client, id))) return false
    try {
      await client.call(procedures.create, { domain: domainById(id), flags: 0 }, 'long')
      return true
    } catch (error) {
      if (!isLibvirtError(error)) throw error
      const now = await new LibvirtGuest(id, this.#context).steps.existing()
      if (isLibvirtError(error, errorCode.operationInvalid) && hasProcess(now)) return true
      if (!unreadable.test(error.message) && (await this.#hasHeader(id))) throw error
      log.warn({ instance_id: id, err: error }, 'the saved memory of the guest cannot be read; it boots instead')
      await forgetSavedMemory(client, id)
      return false
    }
  }

  async #hasHeader(id: InstanceId): Promise<boolean> {
    try {
      await this.#context.client.call(procedures.managedSaveXml, domainById(id))
      return true
    } catch (error) {
      if (isLibvirtError(error)) return false
      throw error
    }
  }
}
