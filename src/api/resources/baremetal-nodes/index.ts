import { list, obj, oneOf, operation, reply, resource, str, until } from '#api/kit'
import { declareFault } from '#base'
import { FeatureNotSupported } from '../not-supported.ts'

const UseIronic = declareFault(
  'UseIronic',
  'refused',
  (p: { command: string }) => `Command Not supported. Please use Ironic command ${p.command} to perform this action.`,
)

const exists = until('2.36')
const op = operation<unknown>()

const node = {
  id: str,
  interfaces: list(obj({ address: str.optional() }, { rest: 'any' })),
  host: oneOf('IRONIC MANAGED'),
  task_state: str,
  cpus: str,
  memory_mb: str,
  disk_gb: str,
}
const faults = { FeatureNotSupported: 501 }

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

/** Ironic's nodes, as far as Nova ever showed them. No Ironic belongs to this cloud, and a Nova without one says so. */
export const baremetalNodes = resource('/os-baremetal-nodes', {
  'GET /': op({
    exists,
    policy: 'os_compute_api:os-baremetal-nodes:list',
    reply: reply('nodes', list(obj(node))),
    faults,
    handle({ allow }) {
      allow({})
      throw FeatureNotSupported({})
    },
  }),

  'GET /{id}': op({
    exists,
    policy: 'os_compute_api:os-baremetal-nodes:show',
    reply: reply('node', { ...node, instance_uuid: str.nullable() }),
    faults,
    handle({ allow }) {
      allow({})
      throw FeatureNotSupported({})
    },
  }),

  'POST /': useIronic('node-create'),
  'DELETE /{id}': useIronic('node-delete'),
  'POST /{id}/action add_interface': useIronic('port-create'),
  'POST /{id}/action remove_interface': useIronic('port-delete'),
})
