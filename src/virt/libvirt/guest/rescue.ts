import { randomBytes } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import type { InstanceId } from '#base'
import { power } from '../../driver.ts'
import { HypervisorError } from '../../faults.ts'
import type { Rescue, RescueWish } from '../../guest-facets.ts'
import type { DiskEncryption, GuestSpec } from '../../guest-spec.ts'
import { makeConfigDrive, withKeptConfigDrive } from '../disks/config-drive.ts'
import { makeDiskFromImage } from '../disks/root-disk.ts'
import { type DomainHost, domainXml, rescueBus, rescueMark, rescueXml } from '../domain/index.ts'
import { formatOfDisk } from '../images/disk-info.ts'
import { makeRescueKernelFiles } from '../images/kernel-files.ts'
import { domainById, procedures } from '../rpc/index.ts'
import { nodeAt, parseXml } from '../xml-tree.ts'
import { LibvirtGuest } from './guest.ts'
import type { GuestContext } from './guest-context.ts'
import { domainState, hasProcess, powerOf } from './power.ts'

const secretName = 'rescue'
const passphraseBytes = 32

/*
 * A rescued guest is one whose process was started from a definition with a rescue disk; nothing else says so, and the
 * definition lives as long as the process. Beside its disks lie, under Nova's names, the rescue disk, a config drive of
 * the rescue, and before all of them the definition of the guest without it. Both ways in and out make everything anew
 * unless the process is already the wanted one, so either goes on from whatever a crash left of either.
 */
export class LibvirtRescue implements Rescue {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  enter(id: InstanceId, asked: GuestSpec, wish: RescueWish): Promise<void> {
    const { changing, existing, shutDown, pullPlug, run } = new LibvirtGuest(id, this.#context).steps
    return changing('rescue', async () => {
      const status = await existing()
      const isUp = hasProcess(status)
      const spec = await this.#context.connections.prepare(asked)
      if (powerOf(status) === power.running && (await this.#imageOf(id)) === wish.image.id) return
      this.#mustHaveBus(spec, wish)
      const { files, host } = this.#context
      await writeWhole(files.unrescueDefinition(id), domainXml(await withKeptConfigDrive(spec, files), host))
      // Whatever is wrong with the image shows before the guest goes down.
      const encryption = await this.#lock(spec)
      await makeDiskFromImage(wish.image, files.rescueDisk(id), 0, this.#context, encryption)
      if (wish.directBoot !== undefined) await makeRescueKernelFiles(id, wish.directBoot, this.#context)
      const isDown = isUp && status.state !== domainState.paused && (await shutDown(wish.gracefulMs))
      if (isUp && !isDown) await pullPlug()
      await run(spec, await this.#definition(spec, wish, encryption?.secretId))
    })
  }

  leave(id: InstanceId, spec: GuestSpec): Promise<void> {
    const { changing, existing, pullPlug, runAgain } = new LibvirtGuest(id, this.#context).steps
    return changing('unrescue', async () => {
      const isUp = hasProcess(await existing())
      if (isUp && (await this.#imageOf(id)) === undefined) return this.#context.files.removeRescue(id)
      if (isUp) await pullPlug()
      await runAgain(spec)
      await this.#context.secrets.remove(id, secretName)
    })
  }

  /** The image that the guest's process was rescued with. */
  async #imageOf(id: InstanceId): Promise<string | undefined> {
    const document = await this.#context.client.call(procedures.xml, { domain: domainById(id), flags: 0 })
    return nodeAt(parseXml(document), 'metadata', rescueMark.name)?.attributes[rescueMark.attribute]
  }

  /**
   * For the rescue disk of a guest with encrypted disks. Nobody opens it again once its process has ended, so nobody keeps
   * this but libvirt in its memory.
   */
  async #lock({ id, disks }: GuestSpec): Promise<DiskEncryption | undefined> {
    if (!disks.some(disk => disk.encryption !== undefined)) return undefined
    const passphrase = Buffer.from(randomBytes(passphraseBytes).toString('base64'))
    const secretId = await this.#context.secrets.put(id, 'volume', secretName, passphrase)
    return { format: 'luks', secretId, base64: passphrase.toString('base64') }
  }

  #mustHaveBus(spec: GuestSpec, wish: RescueWish): void {
    const { host } = this.#context
    if (rescueBus(spec, host, wish) !== undefined) return
    const reason = `Requested rescue bus ${wish.stable?.bus} is not supported by virt type ${host.virtType}`
    throw HypervisorError({ operation: 'rescue', reason })
  }

  /** With the drive of the rescue in place of the guest's own, where there is one. */
  async #definition(
    spec: GuestSpec,
    wish: RescueWish,
    secretId: string | undefined,
  ): Promise<(host: DomainHost) => string> {
    const { files, writeConfigDrive } = this.#context
    const { image, stable } = wish
    const kernel = kernelOf(wish)
    const onRescue = (host: DomainHost): DomainHost =>
      kernel.directBoot === undefined
        ? host
        : { ...host, kernelPath: id => files.rescueKernel(id), ramdiskPath: id => files.rescueRamdisk(id) }
    const rescue = files.rescueDisk(spec.id)
    const disk = { path: rescue, format: formatOfDisk(rescue), image, stable, secretId }
    if (wish.configDrive === undefined) {
      const kept = { ...(await withKeptConfigDrive(spec, files)), ...kernel }
      return host => rescueXml(kept, onRescue(host), disk)
    }
    const path = files.rescueConfigDrive(spec.id)
    await makeConfigDrive({ ...spec, configDrive: wish.configDrive }, path, writeConfigDrive)
    const shown = { ...spec, ...kernel, configDrive: { ...wish.configDrive, files: [] } }
    return host => rescueXml(shown, { ...onRescue(host), configDrivePath: () => path }, disk)
  }
}

const kernelOf = ({ directBoot }: RescueWish): Pick<GuestSpec, 'directBoot'> =>
  directBoot === undefined ? {} : { directBoot }

/** There is all of it or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.part`
  await writeFile(partial, text, { mode: 0o600 })
  await rename(partial, path)
}
