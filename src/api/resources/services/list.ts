import { list, operation, query, reply, since, str } from '#api/kit'
import type { Cell, Service } from '#store'
import { severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { serviceOrUnknown } from './shape.ts'
import { isListed, serviceView } from './view.ts'

interface Filter {
  readonly host?: string
  readonly binary?: string
}

/** Of all cells; and those that could not be asked. */
async function servicesOf(deps: ApiDeps, filter: Filter): Promise<{ services: readonly Service[]; away: Cell[] }> {
  const cells = await severalCells(deps)
  if (cells === undefined) return { services: await deps.store.services.list(filter), away: [] }
  const answers = await cells.gather(({ store }) => store.services.list(filter))
  return {
    services: answers.flatMap(answer => (answer.ok ? answer.value : [])),
    away: answers.flatMap(answer => (answer.ok ? [] : [answer.cell])),
  }
}

/** Hosts of cells that cannot be asked. */
async function unknownServices({ store }: ApiDeps, away: readonly Cell[], { host, binary = computeBinary }: Filter) {
  if (binary !== computeBinary) return []
  const hosts: string[] = []
  for (const { uuid } of away) for (const one of await store.hostMappings.list(uuid)) hosts.push(one.host)
  const asked = host === undefined ? hosts : hosts.filter(name => name === host)
  return asked.map(name => ({ binary: computeBinary, host: name, status: 'UNKNOWN' as const }))
}

const computeBinary = 'nova-compute'

export const index = operation<ApiDeps>()({
  policy: 'os_compute_api:os-services:list',
  query: query({ host: str.optional(), binary: str.optional() }, { strict: since('2.75') }),
  reply: reply('services', list(serviceOrUnknown)),
  behaviours: { namesByUuid: since('2.53'), showsAway: since('2.69') },
  async handle({ query, allow, behaves }, deps) {
    allow({})
    const { host = '', binary = '' } = query
    const filter = { ...(host === '' ? {} : { host }), ...(binary === '' ? {} : { binary }) }
    const { services, away } = await servicesOf(deps, filter)
    const zones = await deps.store.aggregates.zones()
    const views = services.filter(isListed).map(s => serviceView(deps, s, zones, behaves.namesByUuid))
    return behaves.showsAway ? [...views, ...(await unknownServices(deps, away, filter))] : views
  },
})
