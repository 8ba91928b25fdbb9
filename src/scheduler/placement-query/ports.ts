import type { RequestSpec } from '#model'
import type { ResourceRequest } from './resource-request.ts'

/** What ports want of their host (bandwidth, packets): each group from one provider, named as Neutron names it. */
export function addPorts({ ports = [] }: RequestSpec, request: ResourceRequest): void {
  for (const { id, resources, required } of ports.flatMap(port => port.groups)) {
    const group = request.group(id)
    for (const [name, amount] of Object.entries(resources)) group.resources.set(name, amount)
    for (const trait of required) group.required.add(trait)
  }
}
