import { GiB } from '#base'
import type { Rebuild } from '../../guest-facets.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { makeConfigDrive, withKeptConfigDrive } from '../disks/config-drive.ts'
import { LibvirtGuest } from './guest.ts'
import type { GuestContext } from './guest-context.ts'
import { domainState, hasProcess } from './power.ts'

/**
 * The same guest with new disks. Asked again after a crash it begins anew: everything but what shall be kept is thrown
 * away before anything is made. A failure leaves what there is, for the rebuild that mends it.
 */
export class LibvirtRebuild implements Rebuild {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  rebuild(spec: GuestSpec, how: { readonly keepsEphemeral: boolean; readonly gracefulMs: number }): Promise<void> {
    const { files, images, writeConfigDrive } = this.#context
    const { changing, settled, shutDown, pullPlug, undefine, makeDisk, run } = new LibvirtGuest(spec.id, this.#context)
      .steps
    return changing('rebuild', async () => {
      const status = await settled()
      // Whatever is wrong with the image shows while the guest is still there.
      if (spec.disks.some(disk => disk.kind === 'image')) await images.base(spec.image, spec.flavor.rootGiB * GiB)
      const isUp = status !== undefined && hasProcess(status)
      const isDown = isUp && status.state !== domainState.paused && (await shutDown(how.gracefulMs))
      if (isUp && !isDown) await pullPlug()
      if (status !== undefined) await undefine('disks')
      await files.removeRescue(spec.id)
      await files.removeDisks(spec.id, how.keepsEphemeral)
      await makeDisk(spec)
      await makeConfigDrive(spec, files.configDrive(spec.id), writeConfigDrive)
      await run(await withKeptConfigDrive(spec, files))
    })
  }
}
