import { declareFault, instanceId } from '#base'
import { FlavorNotFound, InstanceNotFound, type RequestSpec } from '#model'
import type { Store } from '#store'
import { BadValue, type Given, integer, text, texts } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import { decisionText } from './decision-text.ts'

const dryRunArguments = {
  '--like': text('SERVER', 'as this server was asked for'),
  '--flavor': text('FLAVOR', 'id or name of a flavor; needed without --like'),
  '--count': integer('N', 'how many servers', 1, { low: 1, high: 10_000 }),
  '--project': text('ID', 'whose servers'),
  '--availability-zone': text('ZONE', 'only there'),
  '--host': text('HOST', 'only there'),
  '--hint': {
    ...texts('NAME=VALUE', 'scheduler hint, may be repeated'),
    read(given: string) {
      if (given.indexOf('=') < 1) throw new BadValue('a hint is NAME=VALUE')
      return given
    },
  },
}

function hintsOf(words: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const hints: Record<string, string[]> = {}
  for (const word of words) {
    const at = word.indexOf('=')
    const name = word.slice(0, at)
    hints[name] = [...(hints[name] ?? []), word.slice(at + 1)]
  }
  return hints
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

async function questionOf(store: Store, given: Given<typeof dryRunArguments>): Promise<RequestSpec> {
  const { '--like': like, '--flavor': flavor, '--project': project, '--host': host, '--hint': hint } = given
  const zone = given['--availability-zone']
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
    ...(zone === undefined ? {} : { requestedZone: zone }),
    ...(host === undefined ? {} : { destination: { host, node: null, isForced: false } }),
    hints: { ...base.hints, ...hintsOf(hint) },
  }
}

/** `nova-manage scheduler dry-run`: exit 0 when all servers would find a place, 1 when not. */
export const dryRun = command({
  name: 'dry-run',
  help: 'tell where servers would go now; nothing is claimed',
  arguments: dryRunArguments,
  async run(given, { world }) {
    const spec = await questionOf(await world.store(), given)
    const value = await world.rehearse(spec, given['--count'])
    return { text: decisionText(value), value, exitCode: value.isPlaced ? 0 : 1 }
  },
})

/** Ids for servers that are only thought of. */
export const imagined = (count: number) =>
  Array.from({ length: count }, (_, i) => instanceId(`00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}`))
