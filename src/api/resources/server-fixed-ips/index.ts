import { bare, ipAddress, obj, operation, resource, textOrNumber, until } from '#api/kit'
import { declareFault, Fault } from '#base'
import type { Caller, PortView } from '#cloud'
import { type Instance, InstanceIsLocked } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'

export const NoSuchNetwork = declareFault(
  'NetworkNotFoundForInstance',
  'missing',
  (p: { id: string }) => `Network could not be found for instance ${p.id}.`,
)
export const NoSuchFixedIp = declareFault(
  'FixedIpNotFoundForInstance',
  'refused',
  (p: { id: string; address: string }) => `Instance ${p.id} does not have fixed IP '${p.address}'.`,
)

const op = operation<ApiDeps, { id: string }>()
const exists = until('2.44')

const guestPorts = async (deps: ApiDeps, instance: Instance): Promise<readonly PortView[]> =>
  (await deps.network.ports('service', { deviceId: instance.id })).filter(p => p.deviceOwner.startsWith('compute:'))

function mustBeOpen({ id, lockedBy }: Instance, caller: Caller): void {
  if (lockedBy !== null && !isAdmin(caller)) throw InstanceIsLocked({ id })
}

/** True when the port got one more address there. */
const widened = (deps: ApiDeps, port: PortView, subnetId: string): Promise<boolean> =>
  deps.network.updatePort('service', port.id, { fixedIps: [...port.fixedIps, { subnetId }] }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Fault && error.status < 500) return false
      throw error
    },
  )

/** As in Nova, whatever the network refuses of one subnet, the next may still have. */
async function addAddress(deps: ApiDeps, instance: Instance, networkId: string): Promise<void> {
  const subnets = await deps.network.subnetsOfNetwork('service', networkId)
  const ports = (await guestPorts(deps, instance)).filter(port => port.networkId === networkId)
  for (const port of ports) {
    for (const subnet of subnets) if (await widened(deps, port, subnet.id)) return
  }
  throw NoSuchNetwork({ id: instance.id })
}

async function follow(deps: ApiDeps, { id }: Instance): Promise<void> {
  await deps.conductor.refreshNetwork({ instanceId: id })
  await deps.store.instances.change(id, {}, deps.clock.now())
}

const add = op({
  exists,
  status: 202,
  policy: 'os_compute_api:os-multinic:add',
  body: bare(obj({ networkId: textOrNumber({ min: 1, max: 36 }) })),
  faults: { InstanceNotFound: 404, InstanceIsLocked: 409, NetworkNotFoundForInstance: 404 },
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustBeOpen(instance, caller)
    await addAddress(deps, instance, String(body.networkId))
    await follow(deps, instance)
  },
})

const remove = op({
  exists,
  status: 202,
  policy: 'os_compute_api:os-multinic:remove',
  body: bare(obj({ address: ipAddress })),
  faults: { InstanceNotFound: 404, InstanceIsLocked: 409, FixedIpNotFoundForInstance: 400 },
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustBeOpen(instance, caller)
    const { address } = body
    const ports = await guestPorts(deps, instance)
    const port = ports.find(item => item.fixedIps.some(ip => ip.ipAddress === address))
    if (port === undefined) throw NoSuchFixedIp({ id: instance.id, address })
    const fixedIps = port.fixedIps.filter(ip => ip.ipAddress !== address)
    await deps.network.updatePort('service', port.id, { fixedIps })
    await follow(deps, instance)
  },
})

/** One more address for a server on a network it is on, or one less. */
export const serverFixedIps = resource('/servers/{id}', {
  'POST /action addFixedIp': add,
  'POST /action removeFixedIp': remove,
})
