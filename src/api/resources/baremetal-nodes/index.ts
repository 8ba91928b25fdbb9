import { list, obj, oneOf, operation, reply, resource, str, textOrNumber, until } from '#api/kit'
import { declareFault } from '#base'
import type { BaremetalNode } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { FeatureNotSupported } from '../not-supported.ts'

const UseIronic = declareFault(
  'UseIronic',
  'refused',
  (p: { command: string }) => `Command Not supported. Please use Ironic command ${p.command} to perform this action.`,
)
const NodeNotFound = declareFault(
  'BaremetalNodeNotFound',
  'missing',
  (p: { id: string }) => `Node ${p.id} could not be found.`,
)

const exists = until('2.36')
const op = operation<ApiDeps>()

const amount = textOrNumber({})
const node = {
  id: str,
  interfaces: list(obj({ address: str })),
  host: oneOf('IRONIC MANAGED'),
  task_state: str.nullable(),
  cpus: amount,
  memory_mb: amount,
  disk_gb: amount,
}
const faults = { FeatureNotSupported: 501, BaremetalNodeNotFound: 404 }

/** Operators write these by hand, as text or as numbers. */
const property = ({ properties }: BaremetalNode, name: string): string | number => {
  const value = properties[name]
  return typeof value === 'string' || typeof value === 'number' ? value : 0
}

const nodeView = (found: BaremetalNode, macs: readonly string[]) => ({
  id: found.id,
  interfaces: macs.map(address => ({ address })),
  host: 'IRONIC MANAGED' as const,
  task_state: found.provisionState,
  cpus: property(found, 'cpus'),
  memory_mb: property(found, 'memory_mb'),
  disk_gb: property(found, 'local_gb'),
})

/** Changes never went through Nova: Ironic has them. */
const useIronic = (command: string) =>
  op({
    exists,
    policy: null,
    faults: { UseIronic: 400 },
    handle() {
      throw UseIronic({ command })
    },
  })

/** Ironic's nodes, as far as Nova ever showed them; a cloud without an Ironic does not support them. */
export const baremetalNodes = resource('/os-baremetal-nodes', {
  'GET /': op({
    exists,
    policy: 'os_compute_api:os-baremetal-nodes:list',
    reply: reply('nodes', list(obj(node))),
    faults,
    async handle({ allow }, deps) {
      allow({})
      const nodes = await deps.baremetal.nodes()
      if (nodes === undefined) throw FeatureNotSupported({})
      return nodes.map(found => nodeView(found, []))
    },
  }),

  'GET /{id}': op({
    exists,
    policy: 'os_compute_api:os-baremetal-nodes:show',
    reply: reply('node', { ...node, instance_uuid: str.nullable() }),
    faults,
    async handle({ path, allow }, deps) {
      allow({})
      const found = await deps.baremetal.node(path.id)
      if (found === undefined) throw FeatureNotSupported({})
      if (found === null) throw NodeNotFound({ id: path.id })
      return { ...nodeView(found, found.macs), instance_uuid: found.instanceId }
    },
  }),

  'POST /': useIronic('node-create'),
  'DELETE /{id}': useIronic('node-delete'),
  'POST /{id}/action add_interface': useIronic('port-create'),
  'POST /{id}/action remove_interface': useIronic('port-delete'),
})
