import type { Json } from '#base'
import type { Face } from '#http'
import { AgentNotFound, ExtensionNotFound } from '../faults.ts'
import { type ApiDeps, queryOf, requesterFrom } from './crud.ts'
import { extensions } from './extensions.ts'
import { filterWires, pickFields, type Wire } from './listing.ts'

/** What works for the network on this machine, told as Neutron tells its agents. */
export interface AgentSource {
  agents(): Promise<readonly Wire[]>
}

export function serveAgents(face: Face, deps: ApiDeps, source: AgentSource): void {
  const { identity } = deps
  face.get('/v2.0/agents', async request => {
    // To others a list of what they may not see is empty.
    const { isAdmin } = await requesterFrom(identity, request)
    const query = queryOf(request)
    const agents = isAdmin ? await source.agents() : []
    const known = new Set(agents.flatMap(agent => Object.keys(agent)))
    const fallback = new Set(['id', 'host', 'binary', 'agent_type', 'alive', 'admin_state_up', 'topic'])
    return {
      agents: filterWires(agents, query, known.size > 0 ? known : fallback).map(agent => pickFields(agent, query)),
    }
  })
  face.get('/v2.0/agents/:id', async request => {
    const { isAdmin } = await requesterFrom(identity, request)
    const { id } = request.params as { id: string }
    const agent = (isAdmin ? await source.agents() : []).find(item => item.id === id)
    if (agent === undefined) throw AgentNotFound({ id })
    return { agent }
  })
  // Nothing here is done by more than one kind of provider, so there is none to choose.
  face.get('/v2.0/service-providers', async request => {
    await requesterFrom(identity, request)
    return { service_providers: [] }
  })
  face.get('/v2.0/availability_zones', async request => {
    await requesterFrom(identity, request)
    const zone = (resource: string): { [key: string]: Json } => ({ name: 'nova', resource, state: 'available' })
    return { availability_zones: [zone('network'), zone('router')] }
  })
}

export function serveExtensions(face: Face, deps: ApiDeps): void {
  face.get('/v2.0/extensions', async request => {
    await requesterFrom(deps.identity, request)
    return { extensions }
  })
  face.get('/v2.0/extensions/:alias', async request => {
    await requesterFrom(deps.identity, request)
    const { alias } = request.params as { alias: string }
    const extension = extensions.find(item => item.alias === alias)
    if (extension === undefined) throw ExtensionNotFound({ alias })
    return { extension }
  })
}
