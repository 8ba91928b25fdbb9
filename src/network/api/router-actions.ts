import type { FastifyRequest } from 'fastify'
import type { Face } from '#http'
import type { BindingGate } from '../core/binding.ts'
import { checkRoutes, type Route, routesOf, withoutRoutes, withRoutes } from '../core/extra-routes.ts'
import { type Joined, joinPort, joinSubnet, leavePort, leaveSubnet } from '../core/router-interfaces.ts'
import { changeRouter, routerOrThrow } from '../core/routers.ts'
import type { Unit } from '../core/unit.ts'
import { BadRequest, PolicyNotAuthorized, PortNotFound } from '../faults.ts'
import { BadResource } from '../l3-faults.ts'
import type { RouterRow, SubnetRow } from '../store/tables.ts'
import { isObject, uuid } from './attributes.ts'
import type { Requester } from './context.ts'
import { type ApiDeps, readBody, requesterFrom } from './crud.ts'
import type { Fields } from './listing.ts'
import type { AnyResource } from './resource.ts'
import { visiblePorts } from './resources/ports.ts'
import { routeList } from './resources/routers.ts'

/** `PUT /v2.0/routers/{id}/add_router_interface` and its like. */

interface AskedInterface {
  readonly portId: string | undefined
  readonly subnetId: string | undefined
}

const refuse = (reason: string) => BadResource({ resource: 'router', reason })

function askedInterface(body: Record<string, unknown>, mayNameBoth: boolean): AskedInterface {
  const idOf = (name: string): string | undefined => {
    if (!(name in body)) return undefined
    const checked = uuid(body[name])
    if ('reason' in checked) throw refuse(checked.reason)
    return checked.ok
  }
  if (!('port_id' in body) && !('subnet_id' in body)) throw refuse('Either subnet_id or port_id must be specified')
  const [portId, subnetId] = [idOf('port_id'), idOf('subnet_id')]
  if (!mayNameBoth && portId !== undefined && subnetId !== undefined) {
    throw refuse('Cannot specify both subnet-id and port-id')
  }
  return { portId, subnetId }
}

const joinedWire = (routerId: string, { port, subnetIds }: Joined): Fields => ({
  id: routerId,
  tenant_id: port.projectId,
  project_id: port.projectId,
  port_id: port.id,
  network_id: port.networkId,
  subnet_id: subnetIds.at(-1) ?? null,
  subnet_ids: [...subnetIds],
})

function askedRoutes(body: Record<string, unknown>): readonly Route[] {
  const { router } = body
  const checked = isObject(router) ? routeList(router.routes) : { reason: "Unable to find 'router' in request body" }
  if ('reason' in checked) throw BadRequest({ reason: `Invalid input for routes. Reason: ${checked.reason}.` })
  return checked.ok.map(({ destination = '', nexthop = '' }) => ({ destination, nexthop }))
}

export function serveRouterActions(face: Face, deps: ApiDeps, routers: AnyResource, gate: BindingGate): void {
  const { db, work, identity } = deps

  const action = (
    name: string,
    run: (unit: Unit, requester: Requester, router: RouterRow, body: Record<string, unknown>) => Promise<Fields>,
  ) =>
    face.put(`/v2.0/routers/:id/${name}`, async (request: FastifyRequest) => {
      const requester = await requesterFrom(identity, request)
      const { id } = request.params as { id: string }
      const [seen] = await routers.list({ db, requester }, { ids: [id] })
      if (seen === undefined) throw routers.missing(id)
      if (!requester.mayWrite) throw PolicyNotAuthorized({ rule: `rule:${name}` })
      const body = readBody(request)
      return work.run(async unit => run(unit, requester, await routerOrThrow(unit.db, id), body))
    })

  action('add_router_interface', async (unit, requester, router, body) => {
    const { portId, subnetId } = askedInterface(body, false)
    if (portId !== undefined) {
      const [port] = await visiblePorts({ db: unit.db, requester }, { ids: [portId] })
      if (port === undefined) throw PortNotFound({ id: portId })
      return joinedWire(router.id, await joinPort(unit, gate, router, portId))
    }
    const mayUse = (subnet: SubnetRow) => requester.isAdmin || subnet.projectId === requester.projectId
    return joinedWire(router.id, await joinSubnet(unit, gate, router, subnetId ?? '', mayUse))
  })
  action('remove_router_interface', async (unit, _requester, router, body) => {
    const { portId, subnetId } = askedInterface(body, true)
    const joined =
      portId === undefined
        ? await leaveSubnet(unit, router, subnetId ?? '')
        : await leavePort(unit, router, portId, subnetId)
    return joinedWire(router.id, joined)
  })

  const changeRoutes = async (unit: Unit, requester: Requester, router: RouterRow, routes: readonly Route[]) => {
    await checkRoutes(unit, router, routes)
    await changeRouter(unit, router, { routes: JSON.stringify(routes) })
    const [wire] = await routers.list({ db: unit.db, requester }, { ids: [router.id] })
    return { router: wire ?? null }
  }
  action('add_extraroutes', (unit, requester, router, body) =>
    changeRoutes(unit, requester, router, withRoutes(routesOf(router), askedRoutes(body))),
  )
  action('remove_extraroutes', (unit, requester, router, body) =>
    changeRoutes(unit, requester, router, withoutRoutes(routesOf(router), askedRoutes(body))),
  )
}
