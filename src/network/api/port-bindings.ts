import type { FastifyRequest } from 'fastify'
import type { Face } from '#http'
import { type BindingGate, vnicTypes } from '../core/binding.ts'
import {
  activateBinding,
  addBinding,
  type Binding,
  type BindingRequest,
  bindingsOf,
  changeBinding,
  deleteBinding,
} from '../core/inactive-bindings.ts'
import { portById } from '../core/ports.ts'
import { BadRequest, PortBindingNotFound, PortNotFound } from '../faults.ts'
import type { PortRow } from '../store/tables.ts'
import { attribute, dictionary, isObject, oneOf, orNull, readAttributes, text, type Values } from './attributes.ts'
import { requireAdmin } from './context.ts'
import { type ApiDeps, queryOf, readBody, requesterFrom } from './crud.ts'
import { type Fields, filterWires, pickFields } from './listing.ts'
import { jsonOf } from './shared.ts'

/** `/v2.0/ports/{id}/bindings`: binding-extended, for whoever moves guests; administrators only. */

const attributes = {
  host: attribute(text(255), { put: false, isRequired: true }),
  vnic_type: attribute(oneOf(...vnicTypes)),
  profile: attribute(orNull(dictionary)),
  project_id: attribute(text(255), { put: false }),
} as const

const filters = new Set(['host', 'vif_type', 'vnic_type', 'status'])

const wire = ({ host, vnicType, vifType, vifDetails, profile, isActive }: Binding): Fields => ({
  host,
  vif_type: vifType,
  vnic_type: vnicType,
  status: isActive ? 'ACTIVE' : 'INACTIVE',
  profile: jsonOf(profile),
  vif_details: jsonOf(vifDetails),
})

const asked = (values: Values<typeof attributes>): Partial<BindingRequest> => ({
  ...(values.vnic_type === undefined ? {} : { vnicType: values.vnic_type }),
  ...(values.profile === undefined ? {} : { profile: values.profile ?? {} }),
})

function bindingBody(request: FastifyRequest, verb: 'post' | 'put'): Values<typeof attributes> {
  const { binding } = readBody(request)
  if (!isObject(binding)) throw BadRequest({ reason: "Unable to find 'binding' in request body" })
  return readAttributes(attributes, verb, binding)
}

const placeOf = (request: FastifyRequest) => request.params as { id: string; host: string }

export function servePortBindings(face: Face, deps: ApiDeps, gate: BindingGate): void {
  const { db, work, identity } = deps
  const base = '/v2.0/ports/:id/bindings'

  /** The port as an administrator sees it; only those of guests have bindings. */
  const portOf = async (request: FastifyRequest, rule: string): Promise<PortRow> => {
    requireAdmin(await requesterFrom(identity, request), rule)
    const { id } = placeOf(request)
    const port = await portById(db, id)
    if (port === undefined) throw PortNotFound({ id })
    if (!port.deviceOwner.startsWith('compute:')) {
      throw BadRequest({
        reason: `Bad port request: Invalid port ${id}. Operation only valid on compute ports.`,
      })
    }
    return port
  }
  const shown = async (id: string, host: string) => {
    const port = await portById(db, id)
    const found = port === undefined ? undefined : (await bindingsOf(db, port)).find(item => item.host === host)
    if (found === undefined) throw PortBindingNotFound({ id, host })
    return wire(found)
  }

  face.get(base, async request => {
    const port = await portOf(request, 'get_port_binding')
    const query = queryOf(request)
    const all = filterWires((await bindingsOf(db, port)).map(wire), query, filters)
    return { bindings: all.map(item => pickFields(item, query)) }
  })
  face.get(`${base}/:host`, async request => {
    const port = await portOf(request, 'get_port_binding')
    return { binding: await shown(port.id, placeOf(request).host) }
  })
  face.post(base, async (request, reply) => {
    const port = await portOf(request, 'create_port_binding')
    const { host = '', ...values } = bindingBody(request, 'post')
    const wanted = { vnicType: 'normal', profile: {}, ...asked(values), host }
    await work.run(unit => addBinding(unit, gate, port.id, wanted))
    reply.code(201)
    return { binding: await shown(port.id, host) }
  })
  face.put(`${base}/:host`, async request => {
    const port = await portOf(request, 'update_port_binding')
    const { host } = placeOf(request)
    const change = asked(bindingBody(request, 'put'))
    await work.run(unit => changeBinding(unit, gate, port.id, host, change))
    return { binding: await shown(port.id, host) }
  })
  face.put(`${base}/:host/activate`, async request => {
    const port = await portOf(request, 'activate_port_binding')
    const { host } = placeOf(request)
    await work.run(unit => activateBinding(unit, port.id, host))
    return shown(port.id, host)
  })
  face.delete(`${base}/:host`, async (request, reply) => {
    const port = await portOf(request, 'delete_port_binding')
    await work.run(unit => deleteBinding(unit, port.id, placeOf(request).host))
    return reply.code(204).send()
  })
}
