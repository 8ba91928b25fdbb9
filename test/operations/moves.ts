import { newUuid } from '#base'
import type { SagaName } from '#bus'
import { type Flavor, growth, type Instance } from '#model'
import type { NewMigration } from '#store'
import { moveSpec, newMigration } from '../../src/api/accept/move.ts'
import { acceptTask } from '../../src/api/accept/task.ts'
import { flavor } from './intent.ts'
import { caller, type SmallCloud } from './world.ts'

export type MoveName = Extract<
  SagaName,
  'server-resize' | 'server-confirm-resize' | 'server-revert-resize' | 'server-live-migrate' | 'server-evacuate'
>

export const larger: Flavor = {
  ...flavor,
  number: 2,
  flavorId: 'small',
  name: 'small',
  memoryMiB: 128,
  rootGiB: 2,
  vcpus: 2,
}

type Ask = (cloud: SmallCloud, instance: Instance) => Promise<void>

const requestOf = () => `req-${newUuid()}`

function accept(cloud: SmallCloud, instance: Instance, ...rest: [Parameters<typeof acceptTask>[5]]): Promise<void> {
  return acceptTask(cloud.api, caller, true, requestOf(), instance, ...rest)
}

/** Resize to a larger flavor, or without one a cold migration. */
export const askResize =
  (to?: Flavor): Ask =>
  async (cloud, instance) => {
    const wanted = to ?? instance.flavor
    const type = to === undefined ? 'migration' : 'resize'
    const move = newMigration(cloud.api, caller, instance, { type, status: 'pre-migrating', flavor: wanted })
    const spec = { ...(await moveSpec(cloud.api, instance)), flavor: wanted, ignoreHosts: [instance.host ?? ''] }
    await accept(cloud, instance, {
      action: to === undefined ? 'migrate' : 'resize',
      word: 'resize',
      saga: 'server-resize',
      input: { migrationId: move.uuid, spec },
      alsoWrite: tx => tx.moves.add(move),
    })
  }

const onFinished =
  (action: 'confirmResize' | 'revertResize', saga: MoveName, status: string): Ask =>
  async (cloud, instance) => {
    const move = await cloud.store.moves.newest(instance.id, ['finished'])
    if (move?.oldFlavor == null) throw new Error('there is no finished resize')
    const pending = growth(instance.flavor, move.oldFlavor)
    await accept(cloud, instance, {
      action,
      word: action,
      saga,
      input: { migrationId: move.uuid },
      alsoWrite: async tx => {
        await tx.moves.change(move.uuid, { status, pending }, Date.now(), 'finished')
      },
    })
  }

export const askConfirm = onFinished('confirmResize', 'server-confirm-resize', 'confirming')
export const askRevert = onFinished('revertResize', 'server-revert-resize', 'reverting')

const add = (move: NewMigration) => (tx: SmallCloud['store']) => tx.moves.add(move)

export const askLive: Ask = async (cloud, instance) => {
  const move = newMigration(cloud.api, caller, instance, { type: 'live-migration', status: 'accepted' })
  const spec = await moveSpec(cloud.api, instance)
  await accept(cloud, instance, {
    action: 'liveMigrate',
    word: 'os-migrateLive',
    saga: 'server-live-migrate',
    input: { migrationId: move.uuid, spec, forcedHost: null, withDisks: null },
    alsoWrite: add(move),
  })
}

/** As if the host had died: its service is down, its guests run on unseen. */
export const askEvacuation =
  (staysOff: boolean): Ask =>
  async (cloud, instance) => {
    const { host } = instance
    if (host === null) throw new Error('the server has no host')
    const service = await cloud.store.services.find(host, 'nova-compute')
    if (service !== undefined) await cloud.store.services.change(service, { isForcedDown: true }, Date.now())
    const move = newMigration(cloud.api, caller, instance, { type: 'evacuation', status: 'accepted' })
    const spec = { ...(await moveSpec(cloud.api, instance)), ignoreHosts: [host] }
    await accept(cloud, instance, {
      action: 'evacuate',
      word: 'evacuate',
      saga: 'server-evacuate',
      input: { migrationId: move.uuid, spec, forcedHost: null, staysOff },
      alsoWrite: async tx => {
        await tx.moves.add(move)
        await tx.launchSecrets.keep(instance.id, { adminPassword: 'new secret', files: [] })
      },
    })
  }
