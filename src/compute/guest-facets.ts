import { instanceId } from '#base'
import type { ComputeContract, Handlers } from '#bus'
import { HypervisorError, type VirtDriver } from '#virt'
import type { GuestActors, GuestOperation } from './guest-actors.ts'
import { withShares } from './shares.ts'
import { mustHoldVolumes } from './volume-handlers.ts'

/** Facets that the API asks about before it accepts, by their names in the driver. */
const asked = ['rescue', 'guestAgent'] as const

/** What a facet of the driver does for its guests, and what is told where the hypervisor has no such facet. */
export function facetHandlers(
  driver: VirtDriver,
  actors: GuestActors,
): Pick<
  Handlers<ComputeContract>,
  | 'suspend'
  | 'resume'
  | 'rescue'
  | 'unrescue'
  | 'rebuild'
  | 'setPassword'
  | 'crashDump'
  | 'quiesce'
  | 'unquiesce'
  | 'facets'
> {
  const has = <T>(facet: T | undefined, operation: string, reason: string): T => {
    if (facet === undefined) throw HypervisorError({ operation, reason })
    return facet
  }
  const change = (id: string, operation: GuestOperation, work: () => Promise<void>) =>
    actors.run(id, operation, async () => {
      await work()
      return driver.guest(instanceId(id)).state()
    })
  const suspending = () =>
    has(driver.suspendToDisk, 'suspend', 'this hypervisor cannot keep the memory of a guest on disk')
  const rescuing = () => has(driver.rescue, 'rescue', 'this hypervisor cannot boot a guest from a rescue image')
  return {
    facets: async () => ({ names: asked.filter(name => driver[name] !== undefined) }),
    suspend: ({ id }) => change(id, 'suspend', () => suspending().suspend(instanceId(id))),
    resume: ({ spec }) =>
      change(spec.id, 'resume', () => withShares(driver, spec, () => suspending().resume(spec.id, spec))),
    rescue: ({ spec, wish }) =>
      change(spec.id, 'rescue', () => withShares(driver, spec, () => rescuing().enter(spec.id, spec, wish))),
    unrescue: ({ spec }) =>
      change(spec.id, 'unrescue', () => withShares(driver, spec, () => rescuing().leave(spec.id, spec))),
    rebuild: ({ spec, how }) => change(spec.id, 'rebuild', () => rebuild(driver, spec, how)),
    setPassword: async ({ id, user, password }) => {
      await actors.run(id, 'setPassword', () =>
        has(driver.guestAgent, 'set the password', 'this hypervisor cannot talk to guests').setPassword(
          instanceId(id),
          user,
          password,
        ),
      )
      return null
    },
    quiesce: async ({ id, atMostMs }) => {
      const facet = has(driver.quiesce, 'quiesce', 'this hypervisor cannot hold guests still')
      await actors.run(id, 'snapshot', () => facet.freeze(instanceId(id), atMostMs))
      return null
    },
    unquiesce: async ({ id }) => {
      // Not in the queue: what waits there may wait for the guest.
      await driver.quiesce?.thaw(instanceId(id))
      return null
    },
    crashDump: async ({ id }) => {
      // Not in the queue: a guest that hangs in another operation is the one to be dumped.
      await has(driver.crashDump, 'crash dump', 'this hypervisor cannot interrupt a guest').trigger(instanceId(id))
      return null
    },
  }
}

type RebuildArgs = Parameters<NonNullable<VirtDriver['rebuild']>['rebuild']>

/** Where the driver has no better way, the guest is removed and made anew; nothing of its disks can be kept then. */
async function rebuild(driver: VirtDriver, spec: RebuildArgs[0], how: RebuildArgs[1]): Promise<void> {
  mustHoldVolumes(driver, spec)
  if (driver.rebuild !== undefined) return driver.rebuild.rebuild(spec, how)
  if (how.keepsEphemeral)
    throw HypervisorError({
      operation: 'rebuild',
      reason: 'The current driver does not support preserving ephemeral partitions.',
    })
  const guest = driver.guest(spec.id)
  if ((await guest.state()).exists) await guest.stop(how.gracefulMs > 0 ? { gracefulMs: how.gracefulMs } : 'now')
  await guest.destroy()
  await guest.spawn(spec)
}
