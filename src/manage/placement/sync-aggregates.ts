import { declareFault, Fault } from '#base'
import { type PlacementPort, ProviderNotFound } from '#cloud'
import { cell0Uuid } from '#store'
import { flag } from '../kit/arguments.ts'
import { command } from '../kit/command.ts'
import type { ManageWorld } from '../manage-world.ts'
import { refusing } from '../servers/refusals.ts'

export const TooManyComputesForHost = declareFault(
  'TooManyComputesForHost',
  'conflict',
  (p: { host: string; count: number }) =>
    `Unexpected number of compute node records (${p.count}) found for host ${p.host}. There should only be a one-to-one mapping.`,
)

interface Joining {
  readonly host: string
  readonly provider: string
  readonly aggregate: string
  readonly error: string
}

const where = ({ host, provider, aggregate, error }: Joining) =>
  `host (${host}), provider (${provider}) and aggregate (${aggregate}). Error: ${error}`

export const AggregatesUnreadable = declareFault(
  'ResourceProviderAggregateRetrievalFailed',
  'transient',
  (p: Joining & Record<string, string>) => `Failed to get provider aggregates for ${where(p)}`,
)

export const AggregatesUnwritable = declareFault(
  'ResourceProviderUpdateFailed',
  'conflict',
  (p: Joining & Record<string, string>) => `Failed updating provider aggregates for ${where(p)}`,
)

type Node = { readonly provider: string } | 'no cell' | 'no node'

async function nodeOf(world: ManageWorld, host: string): Promise<Node> {
  const directory = await world.cells()
  const cell = await directory.ofHost(host)
  if (cell === undefined || (cell.uuid === cell0Uuid && !(await directory.isOnly()))) return 'no cell'
  const nodes = (await (await cell.store()).computeNodes.list()).filter(node => node.host === host)
  const [node] = nodes
  if (node === undefined) return 'no node'
  if (nodes.length > 1) throw TooManyComputesForHost({ host, count: nodes.length })
  return { provider: node.uuid }
}

/** Adds it to what the provider is in; two who do so at a time are told apart by placement. */
async function join(placement: PlacementPort, at: Omit<Joining, 'error'>): Promise<'added' | 'there' | 'no provider'> {
  const { provider, aggregate } = at
  const failed = (error: unknown, fault: typeof AggregatesUnreadable) =>
    error instanceof Fault ? fault({ ...at, error: error.message }, { cause: error }) : error
  let known: readonly string[]
  try {
    if ((await placement.provider(provider)) === undefined) return 'no provider'
    known = await placement.aggregates(provider)
  } catch (error) {
    throw failed(error, AggregatesUnreadable)
  }
  if (known.includes(aggregate)) return 'there'
  try {
    await placement.setAggregates(provider, [...known, aggregate])
    return 'added'
  } catch (error) {
    if (ProviderNotFound.is(error)) return 'no provider'
    throw failed(error, AggregatesUnwritable)
  }
}

/** What could not be done, by its exit code; the last that there is counts. */
const losses = {
  'no cell': [4, 'Hosts that are in no cell; run "nova-manage cell_v2 discover_hosts" and then retry. Missing: '],
  'no node': [5, 'Hosts without a compute node; does their nova-compute need to be restarted? Missing: '],
  'no provider': [6, 'Hosts whose node placement does not know; restart their nova-compute and then retry: '],
} as const
type Loss = keyof typeof losses

/**
 * Exit 1: a host has several nodes; 2: placement cannot be asked; 3: it refuses the change; 4: hosts without a cell; 5: hosts
 * without a node; 6: nodes without a provider. After 4, 5 and 6 all others are done.
 */
export const syncAggregates = command({
  name: 'sync_aggregates',
  help: 'Make the aggregates of hosts known to placement, for those of their hosts that are missing there.',
  arguments: { '--verbose': flag('Tell what is done') },
  async run({ '--verbose': verbose }, { world, out }) {
    const tell = (line: string) => {
      if (verbose) out.say(line)
    }
    const refusals = {
      [TooManyComputesForHost.code]: 1,
      [AggregatesUnreadable.code]: 2,
      [AggregatesUnwritable.code]: 3,
    }
    return refusing(refusals, async () => {
      const placement = await world.placement()
      const nodes = new Map<string, Node>()
      const lost = new Map<Loss, Set<string>>()
      const added: { host: string; aggregate: string }[] = []
      const lose = (loss: Loss, what: string) => lost.set(loss, (lost.get(loss) ?? new Set()).add(what))
      tell('Filling in missing placement aggregates')
      for (const { uuid: aggregate, name, hosts } of await (await world.store()).aggregates.list()) {
        tell(`Processing aggregate: ${name}`)
        for (const host of hosts) {
          tell(`Processing host: ${host}`)
          const node = nodes.get(host) ?? (await nodeOf(world, host))
          nodes.set(host, node)
          if (typeof node === 'string') {
            lose(node, host)
            continue
          }
          const { provider } = node
          const outcome = await join(placement, { host, provider, aggregate })
          if (outcome === 'no provider') lose(outcome, `(${host}=${provider})`)
          if (outcome !== 'added') continue
          added.push({ host, aggregate })
          tell(`Successfully added host (${host}) and provider (${provider}) to aggregate (${aggregate}).`)
        }
      }
      let exitCode = 0
      for (const [loss, [code, words]] of Object.entries(losses)) {
        const what = lost.get(loss as Loss)
        if (what === undefined) continue
        out.say(words + [...what].sort().join(','))
        exitCode = code
      }
      return { exitCode, value: added }
    })
  },
})
