import { guestName, type Instance } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { stateOf, statusOf } from '../services/view.ts'
import { amounts, type Hypervisor, type Load } from './fleet.ts'

export interface Manner {
  readonly namesByUuid: boolean
  readonly describesCpu: boolean
  readonly showsNoServers: boolean
}

export const plainView = (deps: ApiDeps, { node, service }: Hypervisor, namesByUuid: boolean) => ({
  id: namesByUuid ? node.uuid : node.number,
  hypervisor_hostname: node.description.hypervisorHostname,
  state: stateOf(deps, service),
  status: statusOf(service),
})

/** The key is there for servers, or, from 2.75 on, because it was asked for. */
export function serversView(servers: readonly Instance[] | undefined, isAskedFor: boolean) {
  if (servers === undefined && !isAskedFor) return {}
  return { servers: (servers ?? []).map(({ number, id }) => ({ name: guestName(number), uuid: id })) }
}

export function detailView(deps: ApiDeps, hypervisor: Hypervisor, load: Load, manner: Manner) {
  const { node, service } = hypervisor
  const { description } = node
  return {
    ...plainView(deps, hypervisor, manner.namesByUuid),
    ...amounts(hypervisor, load),
    hypervisor_type: description.hypervisorType,
    hypervisor_version: description.hypervisorVersion,
    host_ip: description.hostIp,
    service: {
      id: manner.namesByUuid ? service.uuid : service.number,
      host: node.host,
      disabled_reason: service.disabledReason,
    },
    cpu_info: manner.describesCpu ? description.cpuInfo : JSON.stringify(description.cpuInfo),
    // As last reported, every minute: asking each host would make a list wait for the slowest of them.
    uptime: description.uptime,
  }
}
