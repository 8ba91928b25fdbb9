import type { FastifyRequest } from 'fastify'
import type { Fault, Log } from '#base'
import { createFace, type Face } from '#http'
import type { AutoTopologyDeps } from '../auto-topology.ts'
import type { BindingGate } from '../core/binding.ts'
import { type AgentSource, serveAgents, serveExtensions } from './agents.ts'
import { serveAutoTopology } from './auto-topology.ts'
import { type ApiDeps, baseUrl, hideTypes, serveResource } from './crud.ts'
import { servePortBindings } from './port-bindings.ts'
import { qosPolicies } from './qos/policies.ts'
import { serveQosRules } from './qos/rules.ts'
import { serveQuotas } from './quotas.ts'
import type { AnyResource } from './resource.ts'
import { floatingIpsResource } from './resources/floating-ips.ts'
import { networksResource } from './resources/networks.ts'
import { portsResource } from './resources/ports.ts'
import { routersResource } from './resources/routers.ts'
import { rules } from './resources/rules.ts'
import { securityGroups } from './resources/security-groups.ts'
import { subnets } from './resources/subnets.ts'
import { serveRouterActions } from './router-actions.ts'
import { serveTags } from './tags.ts'

/** Bulk creates of some hundred ports fit. */
const bodyLimit = 1024 * 1024

/** Neutron lets keystonemiddleware answer 401; everything else is a NeutronError. */
function renderFault(fault: Fault) {
  if (fault.status === 401) {
    const error = { code: 401, title: 'Unauthorized', message: fault.message }
    return { status: 401, body: { error }, headers: { 'www-authenticate': 'Keystone uri="/"' } }
  }
  const isBug = fault.status >= 500
  const message = isBug ? 'Request Failed: internal server error while processing your request.' : fault.message
  const type = isBug ? 'HTTPInternalServerError' : fault.code
  return { status: fault.status, body: { NeutronError: { type, message, detail: '' } } }
}

const version = (request: FastifyRequest) => ({
  id: 'v2.0',
  status: 'CURRENT',
  links: [{ rel: 'self', href: `${baseUrl(request)}/v2.0/` }],
})

function serveVersions(face: Face, resources: readonly AnyResource[]): void {
  face.get('/', async request => ({ versions: [version(request)] }))
  const index = async (request: FastifyRequest) => ({
    resources: resources.map(({ singular, plural, path }) => ({
      links: [{ rel: 'self', href: `${baseUrl(request)}/v2.0/${path}` }],
      name: singular,
      collection: plural,
    })),
  })
  face.get('/v2.0', index)
  face.get('/v2.0/', index)
}

/** The public Neutron v2.0 API; not yet listening. */
export function createNeutronFace(
  deps: ApiDeps & { log: Log; gate: BindingGate; agents: AgentSource; topology: AutoTopologyDeps },
): Face {
  const face = createFace({
    log: deps.log,
    renderFault,
    notFound: () => ({
      status: 404,
      body: { NeutronError: { type: 'HTTPNotFound', message: 'The resource could not be found.', detail: '' } },
    }),
    bodyLimit,
  })
  const routers = hideTypes(routersResource(deps.gate))
  const resources = [
    hideTypes(networksResource(deps.gate)),
    hideTypes(subnets),
    hideTypes(portsResource(deps.gate)),
    hideTypes(securityGroups),
    hideTypes(rules),
    routers,
    hideTypes(floatingIpsResource(deps.gate)),
    hideTypes(qosPolicies),
  ]
  serveVersions(face, resources)
  serveExtensions(face, deps)
  serveAgents(face, deps, deps.agents)
  serveQuotas(face, deps)
  serveRouterActions(face, deps, routers, deps.gate)
  servePortBindings(face, deps, deps.gate)
  serveQosRules(face, deps)
  serveAutoTopology(face, deps, deps.topology)
  for (const resource of resources) {
    serveResource(face, deps, resource)
    if (resource.singular !== 'security_group_rule') serveTags(face, deps, resource)
  }
  return face
}
