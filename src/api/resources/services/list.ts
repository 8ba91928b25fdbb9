import { list, obj, operation, query, reply, since, str } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { service } from './shape.ts'
import { isListed, serviceView } from './view.ts'

export const index = operation<ApiDeps>()({
  policy: 'os_compute_api:os-services:list',
  query: query({ host: str.optional(), binary: str.optional() }, { strict: since('2.75') }),
  reply: reply('services', list(obj(service))),
  behaviours: { namesByUuid: since('2.53') },
  async handle({ query, allow, behaves }, deps) {
    allow({})
    const { host = '', binary = '' } = query
    const services = await deps.store.services.list({
      ...(host === '' ? {} : { host }),
      ...(binary === '' ? {} : { binary }),
    })
    const zones = await deps.store.aggregates.zones()
    return services.filter(isListed).map(s => serviceView(deps, s, zones, behaves.namesByUuid))
  },
})
