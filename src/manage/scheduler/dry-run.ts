import { declareFault, instanceId } from '#base'
import { FlavorNotFound, InstanceNotFound, type RequestSpec } from '#model'
import type { Store } from '#store'
import type { ManageCommand } from '../manage-command.ts'
import { decisionText } from './decision-text.ts'

export interface DryRunOptions {
  readonly like?: string
  readonly flavor?: string
  readonly count: number
  readonly project?: string
  readonly availabilityZone?: string
  readonly host?: string
  readonly hint?: Readonly<Record<string, readonly string[]>>
  readonly json: boolean
}

export const NothingAsked = declareFault(
  'InvalidInput',
  'refused',
  () => 'Name a flavor with --flavor, or a server whose request shall be repeated with --like.',
)

async function flavorOf(store: Store, name: string) {
  const byId = await store.flavors.find(name)
  const flavor = byId ?? (await store.flavors.list({ sort: [] })).find(one => one.name === name)
  if (flavor === undefined) throw FlavorNotFound({ id: name })
  return flavor
}

async function likeServer(store: Store, id: string): Promise<RequestSpec> {
  const spec = await store.requestSpecs.find(id)
  if (spec === undefined) throw InstanceNotFound({ id })
  return spec
}

async function questionOf(store: Store, options: DryRunOptions): Promise<RequestSpec> {
  const { like, flavor, project, availabilityZone, host, hint } = options
  if (like === undefined && flavor === undefined) throw NothingAsked({})
  const base: Omit<RequestSpec, 'flavor'> & { flavor?: RequestSpec['flavor'] } =
    like === undefined
      ? {
          projectId: project ?? '',
          userId: '',
          image: null,
          isVolumeBacked: false,
          requestedZone: null,
          destination: null,
          ignoreHosts: [],
          hints: {},
          networkIds: [],
          serverGroup: null,
        }
      : await likeServer(store, like)
  const chosen = flavor === undefined ? base.flavor : await flavorOf(store, flavor)
  if (chosen === undefined) throw NothingAsked({})
  return {
    ...base,
    flavor: chosen,
    ...(project === undefined ? {} : { projectId: project }),
    ...(availabilityZone === undefined ? {} : { requestedZone: availabilityZone }),
    ...(host === undefined ? {} : { destination: { host, node: null, isForced: false } }),
    hints: { ...base.hints, ...hint },
  }
}

/** `nova-manage scheduler dry-run`: exit 0 when all servers would find a place, 1 when not. */
export const dryRun =
  (options: DryRunOptions): ManageCommand =>
  async world => {
    const spec = await questionOf(await world.store(), options)
    const record = await world.rehearse(spec, options.count)
    const text = options.json ? JSON.stringify(record, null, 2) : decisionText(record)
    return { text, exitCode: record.isPlaced ? 0 : 1 }
  }

/** Ids for servers that are only thought of. */
export const imagined = (count: number) =>
  Array.from({ length: count }, (_, i) => instanceId(`00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`))
