import { instanceId, Limiter } from '#base'
import type { ComputeContract, Handlers } from '#bus'
import type { ImagePort } from '#cloud'
import { GuestNotFound, HypervisorError, type VirtDriver } from '#virt'
import { imageCacher } from './cache-images.ts'
import { type ConsoleOptions, findConsole } from './consoles.ts'
import { GuestActors } from './guest-actors.ts'
import { facetHandlers } from './guest-facets.ts'
import { operate } from './machine.ts'
import { moveHandlers } from './move-handlers.ts'
import { shareHandlers, withShares } from './shares.ts'
import { snapshotHandlers, Uploads } from './snapshot-handlers.ts'
import { mustHoldVolumes, volumeHandlers } from './volume-handlers.ts'

export interface HandlerOptions {
  /** `max_concurrent_builds`; 0 = no limit. */
  readonly maxConcurrentBuilds: number
  /** `wait_soft_reboot_seconds` in milliseconds. */
  readonly softRebootMs: number
  /** `max_concurrent_snapshots`; 0 or nothing = no limit. */
  readonly maxConcurrentSnapshots?: number
  /** Where snapshots go. */
  readonly images: () => ImagePort
  /** `my_shared_fs_storage_ip`: by which share services know this host; without it there are no shares here. */
  readonly sharesAddress?: string
  /** Without them the host gives no consoles away. */
  readonly consoles?: ConsoleOptions
}

const limiter = (most: number): Limiter => new Limiter(most > 0 ? most : Number.MAX_SAFE_INTEGER)

/** What this host does when it is asked, one guest at a time. */
export function computeHandlers(driver: VirtDriver, options: HandlerOptions): Handlers<ComputeContract> {
  const actors = new GuestActors()
  const uploads = new Uploads(driver, options.images, limiter(options.maxConcurrentSnapshots ?? 0))
  const builds = limiter(options.maxConcurrentBuilds)
  const cacheImages = imageCacher(driver)
  const guestOf = (id: string) => driver.guest(instanceId(id))
  const hotplug = () => {
    if (driver.hotplug === undefined)
      throw HypervisorError({ operation: 'hotplug', reason: 'this hypervisor cannot change running guests' })
    return driver.hotplug
  }
  return {
    ...volumeHandlers(driver, actors),
    spawn: async ({ spec, isOn = true }) => {
      mustHoldVolumes(driver, spec)
      await actors.run(spec.id, 'spawn', () => builds.run(() => guestOf(spec.id).spawn(spec, { isOn })))
      return null
    },
    destroy: async ({ id }) => {
      uploads.abort(id)
      await actors.run(id, 'destroy', async () => {
        await guestOf(id).destroy()
        await driver.shares?.unmount(instanceId(id), [])
      })
      return null
    },
    start: ({ spec }) =>
      actors.run(spec.id, 'start', async () => {
        mustHoldVolumes(driver, spec)
        await withShares(driver, spec, () => guestOf(spec.id).start(spec))
        return guestOf(spec.id).state()
      }),
    stop: ({ id, gracefulMs }) =>
      actors.run(id, 'stop', async () => {
        await guestOf(id).stop(gracefulMs > 0 ? { gracefulMs } : 'now')
        await driver.shares?.unmount(instanceId(id), [])
        return guestOf(id).state()
      }),
    reboot: ({ spec, kind }) =>
      actors.run(spec.id, 'reboot', async () => {
        mustHoldVolumes(driver, spec)
        const guest = guestOf(spec.id)
        return withShares(driver, spec, async () => {
          if (kind === 'soft' && (await guest.reboot({ soft: { withinMs: options.softRebootMs } }, spec)))
            return { wasSoft: true }
          await guest.reboot('hard', spec)
          return { wasSoft: false }
        })
      }),
    pause: ({ id }) =>
      actors.run(id, 'pause', async () => {
        await guestOf(id).pause()
        return guestOf(id).state()
      }),
    unpause: ({ id }) =>
      actors.run(id, 'unpause', async () => {
        await guestOf(id).resume()
        return guestOf(id).state()
      }),
    state: ({ id }) => guestOf(id).state(),
    machine: ({ action }) => operate(driver, action),
    cacheImages: ({ images }) => cacheImages(images),
    console: ask => findConsole(driver, options.consoles, ask),
    consoleLog: async ({ id, lines }) => {
      if (driver.consoleLog === undefined) throw GuestNotFound({ id })
      return { text: await driver.consoleLog.read(instanceId(id), lines ?? undefined) }
    },
    diagnostics: ({ id }) => guestOf(id).diagnostics(),
    attachVif: async ({ id, vif }) => {
      await actors.run(id, 'attach', () => hotplug().attachVif(instanceId(id), vif))
      return null
    },
    detachVif: async ({ id, mac }) => {
      await actors.run(id, 'detach', () => hotplug().detachVif(instanceId(id), mac))
      return null
    },
    ...moveHandlers(driver, actors),
    ...snapshotHandlers(uploads, actors),
    ...facetHandlers(driver, actors),
    ...shareHandlers(driver, options.sharesAddress),
    uptime: async () => ({ text: (await driver.host.describe()).uptime }),
  }
}
