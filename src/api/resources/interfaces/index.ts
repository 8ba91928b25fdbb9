import { list, obj, operation, query, reply, resource, since } from '#api/kit'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { attach } from './attach.ts'
import { PortNotAttached, PortNotOfServer, PortUnknown } from './faults.ts'
import { attachment, attachmentView } from './shape.ts'

const rule = 'os_compute_api:os-attach-interfaces'
const strict = query({}, { strict: since('2.102') })
const op = operation<ApiDeps, { id: string }>()
const opOnOne = operation<ApiDeps, { id: string; portId: string }>()

const index = op({
  policy: `${rule}:list`,
  query: strict,
  reply: reply('interfaceAttachments', list(obj(attachment))),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const ports = await deps.network.ports(caller, { deviceId: instance.id })
    return ports.map(port => attachmentView(port, instance))
  },
})

const show = opOnOne({
  policy: `${rule}:show`,
  query: strict,
  reply: reply('interfaceAttachment', attachment),
  faults: { InstanceNotFound: 404, PortNotFound: 404, PortNotOfInstance: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const [port] = await deps.network.ports(caller, { ids: [path.portId] })
    if (port === undefined) throw PortUnknown({ id: path.portId })
    if (port.deviceId !== instance.id) throw PortNotOfServer({ id: instance.id, portId: port.id })
    return attachmentView(port, instance)
  },
})

/** Accepted; the port that we made goes with its interface, the user's own is free again. */
const detach = opOnOne({
  status: 202,
  policy: `${rule}:delete`,
  faults: { InstanceNotFound: 404, InstanceIsLocked: 409, InstanceInvalidState: 409, PortNotAttached: 404 },
  async handle({ path, caller, allow, requestId }, deps) {
    const { portId } = path
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'detachInterface', 'detach_interface', isAdmin(caller))
    if (!instance.networkInfo.some(vif => vif.portId === portId)) throw PortNotAttached({ id: portId })
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
      action: 'detachInterface',
      word: 'detach_interface',
      saga: 'interface-detach',
      input: { portId },
    })
  },
})

/** The network interfaces of a server. */
export const interfaces = resource('/servers/{id}/os-interface', {
  'GET /': index,
  'POST /': attach,
  'GET /{portId}': show,
  'DELETE /{portId}': detach,
})
