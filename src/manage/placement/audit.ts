import { Fault } from '#base'
import { difference, type PlacementPort, type Provider } from '#cloud'
import { endedMigrations, type Instance, type Migration } from '#model'
import type { Store } from '#store'
import { flag, text } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import type { ManageWorld } from '../manage-world.ts'
import { fromAll } from './cells.ts'

/** What Nova takes of providers; allocations of other classes alone are somebody else's. */
const classesOfNova = new Set([
  'VCPU',
  'PCPU',
  'MEMORY_MB',
  'DISK_GB',
  'VGPU',
  'MEM_ENCRYPTION_CONTEXT',
  'NET_BW_EGR_KILOBIT_PER_SEC',
  'NET_BW_IGR_KILOBIT_PER_SEC',
])

/** Nobody works on it: what it holds now is what it shall hold. */
const isIdle = async (store: Store, { id, taskState, vmState }: Instance): Promise<boolean> =>
  taskState === null && vmState !== 'building' && (await store.sagas.openOf(id)).length === 0

/** An evacuation holds its source until that is back. */
const isHolding = ({ status }: Migration): boolean => status === 'done' || !endedMigrations.includes(status)

/** Whether a cell knows why this consumer holds something of this host. */
async function isOfCell(store: Store, consumerId: string, host: string | undefined): Promise<boolean> {
  const move = await store.moves.find(consumerId)
  if (move !== undefined) return isHolding(move)
  const instance = await store.instances.find(consumerId)
  if (instance === undefined) return false
  // While it moves it may hold two places.
  return instance.host === host || !(await isIdle(store, instance))
}

interface Orphan {
  readonly provider: string
  readonly consumer: string
  readonly resources: Readonly<Record<string, number>>
}

async function orphansOf(world: ManageWorld, placement: PlacementPort, { id, rootId }: Provider): Promise<Orphan[]> {
  const orphans: Orphan[] = []
  const nodes = await fromAll(world, store => store.computeNodes.find({ uuid: rootId }))
  const host = nodes.find(node => node !== undefined)?.host
  for (const consumer of await placement.consumersOf(id)) {
    const { allocations } = await placement.consumer(consumer)
    const resources = allocations[id] ?? {}
    if (!Object.keys(resources).some(name => classesOfNova.has(name))) continue
    const known = await fromAll(world, store => isOfCell(store, consumer, host))
    if (!known.includes(true)) orphans.push({ provider: id, consumer, resources })
  }
  return orphans
}

/** Only what lies on this provider goes; false where somebody else has changed it meanwhile. */
async function letGo(placement: PlacementPort, { consumer, provider, resources }: Orphan): Promise<boolean> {
  const { allocations, projectId, userId, consumerType } = await placement.consumer(consumer)
  const left = difference(allocations, { [provider]: resources })
  try {
    if (Object.keys(left).length === 0) await placement.release(consumer)
    else
      await placement.reallocate([
        {
          consumerId: consumer,
          allocations: left,
          projectId: projectId ?? '',
          userId: userId ?? '',
          consumerType: consumerType === 'MIGRATION' ? 'MIGRATION' : 'INSTANCE',
        },
      ])
    return true
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return false
  }
}

/** Exit 0: none; 1: something went wrong; 3: there are some; 4: they are deleted; 127: no such provider. */
export const audit = command({
  name: 'audit',
  help: 'Find allocations that belong to no server and to no move.',
  arguments: {
    '--verbose': flag('Print each of them'),
    '--resource_provider': text('<provider_uuid>', 'Only of this resource provider'),
    '--delete': flag('Delete them'),
  },
  async run({ '--verbose': verbose, '--resource_provider': only, '--delete': isDeleting }, { world, out }) {
    const placement = await world.placement()
    const one = only === undefined ? undefined : await placement.provider(only)
    if (only !== undefined && one === undefined)
      return { exitCode: 127, text: `Resource provider with UUID ${only} does not exist.` }
    const found: Orphan[] = []
    for (const provider of one === undefined ? await placement.providers() : [one]) {
      for (const orphan of await orphansOf(world, placement, provider)) {
        const { consumer, resources } = orphan
        const what = `llocations for consumer UUID ${consumer} on Resource Provider ${provider.id}`
        if (isDeleting && !(await letGo(placement, orphan))) {
          out.say(`Not able to delete allocations for consumer UUID ${consumer}`)
          out.say(`The Resource Provider ${provider.id} had problems when deleting allocations. Stopping now.`)
          return { exitCode: 1, value: found }
        }
        const amounts = JSON.stringify(resources)
        if (verbose) out.say(isDeleting ? `Deleted a${what}: ${amounts}` : `A${what} can be deleted: ${amounts}`)
        found.push(orphan)
      }
    }
    if (found.length === 0) return { exitCode: 0, value: found }
    if (verbose) out.say(`Processed ${found.length} allocation${found.length === 1 ? '' : 's'}.`)
    return { exitCode: isDeleting ? 4 : 3, value: found }
  },
})
