import { declareFault, Fault } from '#base'
import { type Allocations, difference, sum } from '#cloud'
import { ComputeHostNotFound, flavorResources, type Instance, isVolumeBacked } from '#model'
import type { Cell, Store } from '#store'
import { flag, text } from '../kit/arguments.ts'
import { type CommandContext, command } from '../kit/command.ts'
import { findServer, livingServers } from '../servers/find.ts'
import { refusing } from '../servers/refusals.ts'
import { cellsWithHosts } from './cells.ts'

export const AllocationUpdateFailed = declareFault(
  'AllocationUpdateFailed',
  'conflict',
  (p: { id: string; error: string }) => `Failed to update allocations for consumer ${p.id}. Error: ${p.error}`,
)

export const HealNotSupported = declareFault(
  'HealAllocationNotSupported',
  'refused',
  (p: { id: string; what: string }) =>
    `Healing allocations of instance ${p.id} is not supported: it asks for ${p.what}.`,
)

interface Options {
  readonly dryRun: boolean
  readonly force: boolean
  readonly withPorts: boolean
  tell(line: string): void
}

function mustBeHealable({ id, flavor: { extraSpecs } }: Instance): void {
  if (extraSpecs['resources:VGPU'] !== undefined) throw HealNotSupported({ id, what: 'vGPUs' })
  if (extraSpecs['accel:device_profile'] !== undefined) throw HealNotSupported({ id, what: 'accelerators' })
}

/** What it takes by its flavor, on the node that it is on. */
async function usual(store: Store, { id, flavor, host, node }: Instance): Promise<Allocations> {
  const nodes = await store.computeNodes.list()
  const found = nodes.find(one => one.host === host && (node === null || one.description.hypervisorHostname === node))
  if (found === undefined) throw ComputeHostNotFound({ host: host ?? '' })
  return { [found.uuid]: flavorResources(flavor, isVolumeBacked(await store.blockDevices.of(id))) }
}

/** What its ports have of the network's providers, as was written down when they got it, and as far as it is not held. */
async function missingOfPorts(store: Store, id: string, held: Allocations): Promise<Allocations> {
  const ports = (await store.hostClaims.of(id))?.ports ?? []
  const claimed = ports.reduce<Allocations>((all, port) => sum(all, { [port.providerId]: port.resources }), {})
  return difference(claimed, held)
}

/** True: something was written, or with `dryRun` nothing ever. */
async function heal({ world }: CommandContext, store: Store, instance: Instance, options: Options): Promise<boolean> {
  const { id, projectId, userId, taskState, host } = instance
  const { tell, force } = options
  if (taskState !== null || instance.vmState === 'building') {
    tell(`Instance ${id} is undergoing a task state transition: ${taskState ?? 'building'}`)
    return false
  }
  if (host === null) {
    tell(`Instance ${id} is not on a host.`)
    return false
  }
  mustBeHealable(instance)
  const placement = await world.placement()
  const held = await placement.consumer(id)
  const isMissing = Object.keys(held.allocations).length === 0
  const base = isMissing || force ? await usual(store, instance) : held.allocations
  const ports = options.withPorts ? await missingOfPorts(store, id, base) : {}
  const isOthers = held.projectId !== projectId || held.userId !== userId
  if (!isMissing && !force && !isOthers && Object.keys(ports).length === 0) {
    tell(`The allocation of instance ${id} is up-to-date. Nothing to be healed.`)
    return false
  }
  if (force) tell(`Force flag passed for instance ${id}`)
  const allocations = sum(base, ports)
  const claim = { consumerId: id, consumerType: 'INSTANCE', allocations, projectId, userId } as const
  if (options.dryRun) {
    tell(`[dry-run] ${isMissing ? 'Create' : 'Update'} allocations for instance ${id}: ${JSON.stringify(claim)}`)
    return false
  }
  await placement.reallocate([claim])
  tell(`Successfully ${isMissing ? 'created' : 'updated'} allocations for instance ${id}.`)
  return true
}

/** Faults of placement are all the same to the operator: nothing was written for this server. */
async function healOne(context: CommandContext, store: Store, instance: Instance, options: Options): Promise<boolean> {
  try {
    return await heal(context, store, instance, options)
  } catch (error) {
    const isOurs = ComputeHostNotFound.is(error) || HealNotSupported.is(error)
    if (isOurs || !(error instanceof Fault)) throw error
    throw AllocationUpdateFailed({ id: instance.id, error: error.message }, { cause: error })
  }
}

/** Servers that may be healed, each in its cell. */
async function* candidates(
  context: CommandContext,
  cells: readonly Cell[],
  tell: Options['tell'],
): AsyncGenerator<readonly [Store, Instance]> {
  for (const cell of cells) {
    tell(`Looking for instances in cell: ${cell.name === null ? cell.uuid : `${cell.uuid}(${cell.name})`}`)
    const store = await cell.store()
    for await (const instance of livingServers(store)) yield [store, instance]
  }
}

/**
 * Exit 0: some were healed; 1: --max-count was reached; 2: a server's node is unknown; 3: placement refuses; 4: nothing to
 * heal; 8: a server asks for what cannot be found again; 127: wrong input.
 */
export const healAllocations = command({
  name: 'heal_allocations',
  help: 'Give servers the allocations in placement that they should have, unless somebody works on them.',
  arguments: {
    '--max-count': text('<max_count>', 'Maximum number of servers to heal; without it all'),
    '--verbose': flag('Tell what is done'),
    '--dry-run': flag('Do not write anything; exits with 4'),
    '--instance': text('<instance_uuid>', 'Only this server; not together with --cell'),
    '--skip-port-allocations': flag('Leave out what ports take of the network'),
    '--cell': text('<cell_uuid>', 'Only in this cell; not together with --instance'),
    '--force': flag('Write what the flavor says over what is there; requires --instance'),
  },
  async run(given, context) {
    const { world, out } = context
    const { '--instance': id, '--cell': cellUuid, '--force': force, '--max-count': count } = given
    const wrong = (words: string) => ({ exitCode: 127, text: words })
    if (id !== undefined && cellUuid !== undefined)
      return wrong('The --cell and --instance options are mutually exclusive.')
    if (force && id === undefined) return wrong('The --instance flag is required when using --force flag.')
    const most = count === undefined || id !== undefined ? Number.POSITIVE_INFINITY : Number(count)
    if (Number.isNaN(most) || most < 1 || (Number.isFinite(most) && !Number.isSafeInteger(most)))
      return wrong('Must supply a positive integer for --max-count.')
    const tell = (line: string) => {
      if (given['--verbose']) out.say(line)
    }
    const options = { dryRun: given['--dry-run'], force, withPorts: !given['--skip-port-allocations'], tell }
    const refusals = { ComputeHostNotFound: 2, AllocationUpdateFailed: 3, HealAllocationNotSupported: 8 }
    const unmapped = { InstanceNotFound: 127 }
    return refusing({ ...refusals, ...(id === undefined ? {} : unmapped) }, async () => {
      const healed: string[] = []
      if (id !== undefined) {
        const { store, instance } = await findServer(world, id)
        if (await healOne(context, store, instance, options)) healed.push(id)
      } else {
        const all = await cellsWithHosts(world)
        const cells = cellUuid === undefined ? all : all.filter(cell => cell.uuid === cellUuid)
        if (cells.length === 0) return wrong(`Cell with uuid ${cellUuid} was not found.`)
        for await (const [store, instance] of candidates(context, cells, tell)) {
          if (await healOne(context, store, instance, options)) healed.push(instance.id)
          if (healed.length < most && !out.isInterrupted()) continue
          tell(`Max count reached. Processed ${healed.length} instances.`)
          return { exitCode: 1, value: { healed } }
        }
      }
      tell(`Processed ${healed.length} instances.`)
      return { exitCode: healed.length === 0 ? 4 : 0, value: { healed } }
    })
  },
})
