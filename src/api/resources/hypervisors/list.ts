import { links as linkList, list, obj, operation, type Page, reply, since } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { BadHypervisor, NoHypervisorMatches } from './faults.ts'
import { type Hypervisor, listHypervisors, loadOf, serversOn } from './fleet.ts'
import { isLike } from './like.ts'
import { detail, listQuery, summary } from './shape.ts'
import { detailView, plainView, serversView } from './view.ts'

const op = operation<ApiDeps>()

const behaviours = {
  pages: since('2.33'),
  namesByUuid: since('2.53'),
  describesCpu: since('2.28'),
  showsNoServers: since('2.75'),
}

interface ListContext {
  readonly query: { readonly hypervisor_hostname_pattern?: string; readonly with_servers?: boolean }
  readonly behaves: Readonly<Record<keyof typeof behaviours, boolean>>
  readonly rawQuery: Readonly<Record<string, readonly string[]>>
  readonly page: () => Page
}

/** Part of the name, with LIKE's wildcards as in Nova. `NoHypervisorMatches` when none has it. */
export function matching(hypervisors: readonly Hypervisor[], pattern: string): readonly Hypervisor[] {
  const found = hypervisors.filter(h => isLike(h.node.description.hypervisorHostname, `%${pattern}%`))
  if (found.length === 0) throw NoHypervisorMatches({ pattern })
  return found
}

/** The marker may be the number or the uuid at any version. */
function cut(hypervisors: readonly Hypervisor[], { limit, marker }: Page): readonly Hypervisor[] {
  if (marker === undefined || marker === '') return hypervisors.slice(0, limit)
  const at = hypervisors.findIndex(({ node }) => node.uuid === marker || String(node.number) === marker)
  if (at < 0) throw BadHypervisor({ text: `marker [${marker}] not found` })
  return hypervisors.slice(at + 1, at + 1 + limit)
}

async function find({ query, behaves, rawQuery, page }: ListContext, deps: ApiDeps): Promise<readonly Hypervisor[]> {
  const pattern = query.hypervisor_hostname_pattern
  if (pattern === undefined) {
    const all = await listHypervisors(deps)
    return behaves.pages ? cut(all, page()) : all
  }
  if ('limit' in rawQuery || (rawQuery['marker'] ?? []).some(marker => marker !== '')) {
    throw BadHypervisor({
      text: 'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
    })
  }
  return matching(await listHypervisors(deps), pattern)
}

/** The servers of each, or a function that shows none when nobody asked. */
async function serversPart({ query, behaves }: ListContext, hypervisors: readonly Hypervisor[]) {
  const isAsked = query.with_servers === true
  const servers = isAsked ? await serversOn(hypervisors) : undefined
  return ({ node }: Hypervisor) => serversView(servers?.get(node.host), isAsked && behaves.showsNoServers)
}

const faults = { InvalidInput: 400, NoHypervisorMatches: 404 } as const
const linked = linkList.optional().since('2.33')

export const index = op({
  policy: 'os_compute_api:os-hypervisors:list',
  query: listQuery,
  reply: reply(obj({ hypervisors: list(obj(summary)), hypervisors_links: linked })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow({})
    const found = await find(context, deps)
    const servers = await serversPart(context, found)
    const hypervisors = found.map(h => ({ ...plainView(deps, h, context.behaves.namesByUuid), ...servers(h) }))
    const isPaged = context.behaves.pages && context.query.hypervisor_hostname_pattern === undefined
    const hypervisors_links = isPaged ? context.nextLinks('os-hypervisors', hypervisors, h => h.id) : undefined
    return { hypervisors, hypervisors_links }
  },
})

export const detailed = op({
  policy: 'os_compute_api:os-hypervisors:list-detail',
  query: listQuery,
  reply: reply(obj({ hypervisors: list(obj(detail)), hypervisors_links: linked })),
  faults,
  behaviours,
  async handle(context, deps) {
    context.allow({})
    const found = await find(context, deps)
    const servers = await serversPart(context, found)
    const load = await loadOf(deps)
    const hypervisors = found.map(h => ({ ...detailView(deps, h, load, context.behaves), ...servers(h) }))
    const isPaged = context.behaves.pages && context.query.hypervisor_hostname_pattern === undefined
    const hypervisors_links = isPaged ? context.nextLinks('os-hypervisors/detail', hypervisors, h => h.id) : undefined
    return { hypervisors, hypervisors_links }
  },
})
