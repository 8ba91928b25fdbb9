import { writeFile } from 'node:fs/promises'
import { type InstanceId } from '#base'
import { type Diagnostics, type Guest, type GuestState, power } from '../../driver.ts'
import { DiskFull, GuestInWrongState, GuestNotFound, HypervisorUnavailable, InterfaceNotPlugged } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { powerOfGuest, statusOf } from '../daemon/daemon-calls.ts'
import { makeConfigDrive, withKeptConfigDrive } from '../disks/config-drive.ts'
import { addAddresses } from '../disks/config-drive-addresses.ts'
import { mustNotBeInUse } from '../disks/disk-locks.ts'
import { isNoSpace } from '../disks/disk-room.ts'
import { makeRootDisk, mustHaveBase } from '../disks/root-disk.ts'
import { localDisks, makeSpareDisks } from '../disks/spare-disks.ts'
import { type DomainHost, domainXml, mustSuit } from '../domain/index.ts'
import { forgetSavedMemory } from '../host/managed-memory.ts'
import { makeKernelFiles } from '../images/kernel-files.ts'
import { isAwaited } from '../moves/waiting-place.ts'
import { asFault, domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { giveSecrets } from '../secrets/guest-secrets.ts'
import { boot } from './boot-domain.ts'
import { diagnosticsOf } from './diagnostics.ts'
import type { GuestContext } from './guest-context.ts'
import { exists } from './guest-files.ts'
import { whenOff } from './guest-shutdown.ts'
import type { GuestSteps } from './guest-steps.ts'
import { type DomainStatus, domainState, hasProcess, isStartingUp, mayBeInternalError, powerOf } from './power.ts'
import { awaitedPorts, makeBridges, releaseWhenUp } from './wiring.ts'

/**
 * Of virDomainUndefineFlags: managed save, snapshot metadata, checkpoint metadata, TPM state. The nvram stays: it lies in
 * the guest's folder and goes with that, here or to another host.
 */
const undefineAll = 1 | 2 | 8 | 16 | 32
/** The same, but the TPM's state stays too. */
const undefineDisks = 1 | 2 | 8 | 16 | 64
const acpiPowerButton = 1

const hasImageDisk = (spec: GuestSpec): boolean => spec.disks.some(disk => disk.kind === 'image')

/*
 * Theory of operation. A guest is its folder (disks, console log) and its definition in libvirt, made in this order: folder,
 * disk (appears by rename), definition, process. Each step looks first whether it is done, so spawn and start go on from
 * whatever a crash left; destroy undoes in the reverse order and does not mind what is missing. libvirt is the only truth
 * about the state: nothing is remembered here. Two changes of one guest never overlap in this process.
 */
export class LibvirtGuest implements Guest {
  readonly id: InstanceId
  readonly #context: GuestContext

  constructor(id: InstanceId, context: GuestContext) {
    this.id = id
    this.#context = context
  }

  state(): Promise<GuestState> {
    return this.#asking('state', async () => {
      const status = await statusOf(this.#context.client, this.id)
      if (await isAwaited(this.#context, this.id, status))
        return { exists: true, power: power.noState, isIncoming: true }
      if (status === undefined) return { exists: false, power: power.noState }
      return { exists: true, power: await powerOfGuest(this.#context.client, domainById(this.id), status) }
    })
  }

  spawn(spec: GuestSpec, { isOn }: { readonly isOn: boolean } = { isOn: true }): Promise<void> {
    return this.#changing('spawn', async () => {
      const status = await this.#settled()
      if (status !== undefined && hasProcess(status)) return this.#goOn(status, spec)
      mustSuit(spec, this.#context.host)
      try {
        await this.#takeOver()
        await this.#makeDisk(spec)
        await makeConfigDrive(spec, this.#context.files.configDrive(this.id), this.#context.writeConfigDrive)
        if (isOn) await this.#run(spec)
        else await this.#leaveOff(spec)
      } catch (error) {
        await this.#forget(error)
        throw error
      }
    })
  }

  start(spec: GuestSpec): Promise<void> {
    return this.#changing('start', async () => {
      const status = await this.#settled()
      if (status !== undefined && hasProcess(status)) {
        if (!(await this.#isDead(status))) return this.#goOn(status, spec)
        await this.#pullPlug()
      }
      await this.#runAgain(spec)
    })
  }

  stop(how: { gracefulMs: number } | 'now'): Promise<void> {
    return this.#changing('stop', async () => {
      const status = await this.#existing()
      if (!hasProcess(status)) return forgetSavedMemory(this.#context.client, this.id)
      const isDown = how !== 'now' && status.state !== domainState.paused && (await this.#shutDown(how.gracefulMs))
      if (!isDown) await this.#pullPlug()
    })
  }

  reboot(how: { soft: { withinMs: number } } | 'hard', spec: GuestSpec): Promise<boolean> {
    return this.#changing('reboot', async () => {
      const status = await this.#existing()
      if (hasProcess(status)) {
        if (how === 'hard') await this.#pullPlug()
        else if (status.state === domainState.paused || !(await this.#shutDown(how.soft.withinMs))) return false
      }
      await this.#runAgain(spec)
      return true
    })
  }

  pause(): Promise<void> {
    return this.#changing('pause', async () => {
      const status = await this.#existing()
      if (status.state === domainState.paused) return
      this.#needProcess(status, 'pause')
      await this.#context.client.call(procedures.suspend, domainById(this.id), 'long')
    })
  }

  resume(): Promise<void> {
    return this.#changing('resume', async () => {
      const status = await this.#existing()
      if (powerOf(status) === power.running) return
      this.#needProcess(status, 'resume')
      await this.#context.client.call(procedures.resume, domainById(this.id), 'long')
    })
  }

  async destroy(): Promise<void> {
    // Whatever is being done with it need not wait for the guest itself any longer.
    if (this.#context.changes.isBusy(this.id)) await this.#asking('destroy', () => this.#pullPlug())
    await this.#changing('destroy', () => this.#remove())
  }

  diagnostics(): Promise<Diagnostics> {
    return this.#asking('diagnostics', () => diagnosticsOf(this.#context, this.id))
  }

  /** What changes of this guest are made of, for facets in files of their own. */
  get steps(): GuestSteps {
    return {
      changing: (operation, work) => this.#changing(operation, work),
      settled: () => this.#settled(),
      existing: () => this.#existing(),
      shutDown: withinMs => this.#shutDown(withinMs),
      pullPlug: () => this.#pullPlug(),
      makeDisk: spec => this.#makeDisk(spec),
      run: (spec, made) => this.#run(spec, made),
      runAgain: spec => this.#runAgain(spec),
      define: spec => this.#define(spec),
      undefine: what => this.#undefine(what === 'disks' ? undefineDisks : undefineAll),
    }
  }

  /** On storage that hosts share there may be the disks of a guest whose host is dead. */
  async #takeOver(): Promise<void> {
    const { files } = this.#context
    await files.make(this.id)
    await files.own(this.id, (await files.otherOwner(this.id)) ?? (await files.takenFrom(this.id)))
  }

  async #makeDisk(spec: GuestSpec): Promise<void> {
    const { files } = this.#context
    await files.make(this.id)
    await makeSpareDisks(spec, files, this.#context.ephemeralFormat)
    if (hasImageDisk(spec)) await makeRootDisk(spec, this.#context)
  }

  async #run(asked: GuestSpec, made?: (host: DomainHost) => string): Promise<void> {
    const { client, files, connections, host, serialPorts, secrets } = this.#context
    mustSuit(asked, host)
    using start = await serialPorts.forStart(asked, host)
    const xml = made === undefined ? domainXml(await connections.prepare(asked), start.host) : made(start.host)
    await giveSecrets(secrets, asked)
    await makeKernelFiles(asked, this.#context)
    await writeFile(files.definition(this.id), xml, { mode: 0o600 })
    const domain = await client.call(procedures.define, { xml, flags: 0 }, 'long')
    await addAddresses(this.#context, asked)
    await makeBridges(this.#context, asked.vifs)
    const awaited = await awaitedPorts(this.#context, this.id, asked.vifs)
    try {
      await boot(client, domain, { isPaused: awaited.length > 0 })
    } catch (error) {
      // Running already: the answer to an earlier attempt was lost.
      const status = isLibvirtError(error, errorCode.operationInvalid) ? await statusOf(client, this.id) : undefined
      if (status === undefined || !hasProcess(status)) throw error
    }
    if (awaited.length > 0) await this.#release(awaited)
  }

  async #release(ports: readonly string[]): Promise<void> {
    try {
      await releaseWhenUp(this.#context, this.id, ports)
    } catch (error) {
      if (InterfaceNotPlugged.is(error)) await this.#pullPlug()
      throw error
    }
  }

  /** A guest that an earlier attempt, of a process that died meanwhile, left standing still for its interfaces. */
  async #goOn(status: DomainStatus, spec: GuestSpec): Promise<void> {
    if (status.state !== domainState.paused || this.#context.wires === undefined) return
    await this.#release(await awaitedPorts(this.#context, this.id, spec.vifs))
  }

  /** QEMU, which would find another one at work on the disks, is not started. */
  async #leaveOff(spec: GuestSpec): Promise<void> {
    await mustNotBeInUse(localDisks(spec, this.#context.files))
    await this.#define(spec)
  }

  async #define(spec: GuestSpec): Promise<void> {
    const { files, client, host, connections } = this.#context
    const xml = domainXml(await connections.prepare(await withKeptConfigDrive(spec, files)), host)
    await writeFile(files.definition(this.id), xml, { mode: 0o600 })
    await client.call(procedures.define, { xml, flags: 0 }, 'long')
  }

  /** For a guest that has run before: its disks must be there; only the image under it may be fetched again. */
  async #runAgain(spec: GuestSpec): Promise<void> {
    const { files } = this.#context
    for (const path of localDisks(spec, files))
      if (!(await exists(path))) throw GuestNotFound({ id: this.id }, { detail: `${path} does not exist` })
    await files.make(this.id)
    await files.own(this.id)
    if (hasImageDisk(spec)) await mustHaveBase(spec, this.#context)
    await this.#run(await withKeptConfigDrive(spec, files))
    await files.removeRescue(this.id)
  }

  /**
   * The state, after a start has ended that a process before us began and that libvirt goes on with: another start waits
   * for it and is then refused.
   */
  async #settled(): Promise<DomainStatus | undefined> {
    const { client } = this.#context
    const status = await statusOf(client, this.id)
    if (status === undefined || !isStartingUp(status)) return status
    try {
      await client.call(procedures.create, { domain: domainById(this.id), flags: 0 }, 'long')
    } catch (error) {
      if (!isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) throw error
    }
    return statusOf(client, this.id)
  }

  async #existing(): Promise<DomainStatus> {
    const status = await this.#settled()
    if (status === undefined) throw GuestNotFound({ id: this.id })
    return status
  }

  async #isDead(status: DomainStatus): Promise<boolean> {
    if (!mayBeInternalError(status)) return powerOf(status) === power.crashed
    return (await powerOfGuest(this.#context.client, domainById(this.id), status)) === power.crashed
  }

  #needProcess(status: DomainStatus, operation: string): void {
    if (!hasProcess(status)) throw GuestInWrongState({ id: this.id, operation, state: 'shut down' })
  }

  /** Presses the power button, and again for a guest that was still booting, until it is off or the time is over. */
  async #shutDown(withinMs: number): Promise<boolean> {
    const { client, clock, shutdownRetryMs } = this.#context
    const end = clock.now() + withinMs
    for (let left = withinMs; left > 0; left = end - clock.now()) {
      try {
        await client.call(procedures.shutdown, { domain: domainById(this.id), flags: acpiPowerButton }, 'long')
      } catch (error) {
        // Off already: whenOff sees it.
        if (!isLibvirtError(error, errorCode.operationInvalid)) throw error
      }
      if (await whenOff(this.#context, this.id, Math.min(left, shutdownRetryMs))) return true
    }
    return false
  }

  async #pullPlug(): Promise<void> {
    try {
      await this.#context.client.call(procedures.destroy, { domain: domainById(this.id), flags: 0 }, 'long')
    } catch (error) {
      if (!isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) throw error
    }
  }

  async #remove(): Promise<void> {
    const { client, files } = this.#context
    const status = await statusOf(client, this.id)
    if (status !== undefined) {
      if (hasProcess(status)) await this.#pullPlug()
      await this.#undefine()
    }
    await this.#context.connections.releaseAll(this.id)
    await files.removeUnlessElsewhere(this.id)
  }

  async #undefine(flags = undefineAll): Promise<void> {
    try {
      await this.#context.client.call(procedures.undefine, { domain: domainById(this.id), flags }, 'long')
    } catch (error) {
      if (!isLibvirtError(error, errorCode.noDomain)) throw error
    }
  }

  /** After a failed spawn. Without a daemon nothing can be said about the guest, so its files stay for the next attempt. */
  async #forget(cause: unknown): Promise<void> {
    try {
      const { files } = this.#context
      const from = await files.takenFrom(this.id)
      if (from !== undefined) await files.handTo(this.id, from)
      await this.#remove()
    } catch (error) {
      if (!HypervisorUnavailable.is(error)) throw error
      this.#context.log.warn({ instance_id: this.id, err: cause }, 'a failed spawn could not be undone: no hypervisor')
    }
  }

  #changing<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#context.changes.run(this.id, () => this.#asking(operation, work))
  }

  async #asking<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isNoSpace(error)) throw DiskFull({ path: this.#context.files.folderOf(this.id), neededBytes: 1024 * 1024 })
      throw asFault(error, operation, this.id)
    }
  }
}
