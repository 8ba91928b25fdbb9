import { operation, reply } from '#api/kit'
import { type Fault, KeyedQueues, waitFor } from '#base'
import type { RequestedNetwork } from '#bus'
import { type Instance, volumeImage } from '#model'
import type { ActionEvent } from '#store'
import { numaPolicyOf } from '../../accept/pci.ts'
import { portWishes } from '../../accept/port-wishes.ts'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { zoneOf } from '../servers/view.ts'
import { checkWords, chooseNetwork } from './choose-network.ts'
import { AttachFailed, lateRefusals, PortUnknown } from './faults.ts'
import { attachBody, attachment, attachmentView } from './shape.ts'

const op = operation<ApiDeps, { id: string }>()

/** The answer carries the finished attachment, so the caller waits; past this something is wrong with the host. */
const patienceMs = 180_000
const pollMs = 20

/**
 * One at a time for each server, as on Nova's hosts: which port is new is told by comparing, and of two new ones on one
 * network nobody could say whose is which.
 */
const queues = new KeyedQueues<string>()

/** The event with which the saga ends its work; undefined when it ended without one. */
async function outcomeOf(deps: ApiDeps, instance: Instance, requestId: string): Promise<ActionEvent | undefined> {
  const { actions, sagas } = deps.store
  const finished = async () => {
    const action = await actions.find(instance.id, requestId)
    const events = action === undefined ? [] : await actions.events(action)
    return events.find(event => event.finishAtMs !== null)
  }
  const probe = async () => {
    // In this order: a saga that ends between the two questions has left its event by then.
    const isIdle = (await sagas.openOf(instance.id)).length === 0
    const event = await finished()
    return event !== undefined || isIdle ? { event } : undefined
  }
  const { event } = await waitFor('the interface to be attached', probe, {
    deadlineMs: patienceMs,
    everyMs: pollMs,
    clock: deps.clock,
  }).catch((cause: unknown) => {
    throw AttachFailed({ id: instance.id }, { cause })
  })
  return event
}

/** The fault that the saga recorded, with its status; everything that is not the user's doing is a 500. */
async function failureOf(deps: ApiDeps, instance: Instance, event: ActionEvent | undefined): Promise<Fault> {
  const recorded = (await deps.store.faults.newest([instance.id])).get(instance.id)
  const refusal = lateRefusals.find(fault => fault.status === recorded?.code)
  const message = event?.details ?? recorded?.message ?? ''
  return refusal === undefined ? AttachFailed({ id: instance.id }, { detail: message }) : refusal({ message })
}

/** The port that the server has now and had not before. */
async function newPort(deps: ApiDeps, before: Instance, asked: RequestedNetwork) {
  const after = await deps.store.instances.get(before.id)
  const known = new Set(before.networkInfo.map(vif => vif.portId))
  const vif =
    after.networkInfo.find(vif => vif.portId === asked.portId) ??
    after.networkInfo.findLast(vif => vif.networkId === asked.networkId && !known.has(vif.portId))
  if (vif === undefined) throw AttachFailed({ id: before.id }, { detail: 'the new interface is gone already' })
  const [port] = await deps.network.ports('service', { ids: [vif.portId] })
  if (port === undefined) throw PortUnknown({ id: vif.portId })
  return attachmentView(port, after)
}

/** Gives a server one more interface: the port, one on the network, or one on the only network there is. */
export const attach = op({
  policy: 'os_compute_api:os-attach-interfaces:create',
  alsoPolicies: ['os_compute_api:os-attach-interfaces:show', 'network:attach_external_network'],
  body: attachBody,
  reply: reply('interfaceAttachment', attachment),
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    NetworkAndPort: 400,
    AddressWithoutNetwork: 400,
    InterfaceAttachFailedNoNetwork: 400,
    NetworkAmbiguous: 400,
    PortNotUsable: 400,
    ExternalNetworkAttachForbidden: 403,
    NetworkNotFound: 404,
    PortNotFound: 404,
    PortInUse: 409,
    FixedIpAlreadyInUse: 409,
    InterfaceAttachFailed: 500,
    ...Object.fromEntries(lateRefusals.map(fault => [fault.code, fault.status])),
  },
  async handle({ path, body, caller, allow, insist, may, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const asked = body.interfaceAttachment ?? {}
    checkWords(asked)
    mustAllow(instance, 'attachInterface', 'attach_interface', isAdmin(caller))
    const mayAttachExternal = () => may('network:attach_external_network')
    return queues.run(instance.id, async () => {
      const before = await deps.store.instances.get(instance.id)
      const network = await chooseNetwork(deps, asked, { caller, instance: before, mayAttachExternal })
      const policy = numaPolicyOf(
        before.flavor,
        before.image?.properties ?? volumeImage(before.systemMetadata).properties,
      )
      const wishes = await portWishes(deps, [network], policy)
      await acceptTask(deps, caller, isAdmin(caller), requestId, before, {
        action: 'attachInterface',
        word: 'attach_interface',
        saga: 'interface-attach',
        input: { network, ...wishes, zone: zoneOf(deps, before, await deps.store.aggregates.zones()) },
      })
      const event = await outcomeOf(deps, before, requestId)
      if (event?.result !== 'Success') throw await failureOf(deps, before, event)
      insist('os_compute_api:os-attach-interfaces:show', targetOf(before))
      return newPort(deps, before, network)
    })
  },
})
