import { list, obj, operation, reply, since, str, until } from '#api/kit'
import { Fault, isUuidLike } from '#base'
import { HostUnavailable } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { FeatureNotSupported } from '../not-supported.ts'
import { isUp } from '../services/view.ts'
import { BadHypervisor, HypervisorNotFound } from './faults.ts'
import { findHypervisor, type Hypervisor, listHypervisors, loadIn, serversOn } from './fleet.ts'
import { matching } from './list.ts'
import { detail, plain, showQuery, summaryWithServers } from './shape.ts'
import { detailView, plainView, serversView } from './view.ts'

const op = operation<ApiDeps, { id: string }>()
const namesByUuid = since('2.53')
const faults = { InvalidInput: 400, HypervisorNotFound: 404 } as const

async function find(deps: ApiDeps, id: string, byUuid: boolean): Promise<Hypervisor> {
  if (byUuid && !isUuidLike(id)) throw BadHypervisor({ text: `Invalid uuid ${id}` })
  if (!byUuid && !/^\d+$/.test(id)) throw HypervisorNotFound({ id })
  const found = await findHypervisor(deps, byUuid ? { uuid: id } : { number: Number(id) })
  if (found === undefined) throw HypervisorNotFound({ id })
  return found
}

export const show = op({
  policy: 'os_compute_api:os-hypervisors:show',
  query: showQuery,
  reply: reply('hypervisor', detail),
  faults,
  behaviours: { namesByUuid, describesCpu: since('2.28'), showsNoServers: since('2.75') },
  async handle({ path, query, allow, behaves }, deps) {
    allow({})
    const hypervisor = await find(deps, path.id, behaves.namesByUuid)
    const isAsked = query.with_servers === true
    const servers = isAsked ? (await serversOn([hypervisor])).get(hypervisor.node.host) : undefined
    return {
      ...detailView(deps, hypervisor, await loadIn(hypervisor.deps), behaves),
      ...serversView(servers, isAsked && behaves.showsNoServers),
    }
  },
})

/** Asks the host itself, which must be there. */
async function uptimeOf({ deps, node, service }: Hypervisor): Promise<string> {
  const { host } = node
  if (!isUp(deps, service)) throw HostUnavailable({ host })
  const answer = await deps
    .computeOn(host)
    .uptime({})
    .catch((cause: unknown) => {
      throw cause instanceof Fault && cause.kind === 'transient' ? HostUnavailable({ host }, { cause }) : cause
    })
  if (answer.text === null) throw FeatureNotSupported({})
  return answer.text
}

export const uptime = op({
  exists: until('2.88'),
  policy: 'os_compute_api:os-hypervisors:uptime',
  reply: reply('hypervisor', { ...plain, uptime: str.nullable() }),
  faults: { ...faults, HostUnavailable: 400, FeatureNotSupported: 501 },
  behaviours: { namesByUuid },
  async handle({ path, allow, behaves }, deps) {
    allow({})
    const hypervisor = await find(deps, path.id, behaves.namesByUuid)
    const text = await uptimeOf(hypervisor)
    return { ...plainView(deps, hypervisor, behaves.namesByUuid), uptime: text }
  },
})

export const search = op({
  exists: until('2.53'),
  policy: 'os_compute_api:os-hypervisors:search',
  reply: reply('hypervisors', list(obj(plain))),
  faults: { NoHypervisorMatches: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    return matching(await listHypervisors(deps), path.id).map(h => plainView(deps, h, false))
  },
})

export const servers = op({
  exists: until('2.53'),
  policy: 'os_compute_api:os-hypervisors:servers',
  reply: reply('hypervisors', list(obj(summaryWithServers))),
  faults: { NoHypervisorMatches: 404 },
  async handle({ path, allow }, deps) {
    allow({})
    const found = matching(await listHypervisors(deps), path.id)
    const byHost = await serversOn(found)
    return found.map(h => ({ ...plainView(deps, h, false), ...serversView(byHost.get(h.node.host), false) }))
  },
})
