import { operation, since } from '#api/kit'
import { isUuidLike } from '#base'
import { ProviderNotFound } from '#cloud'
import { pciProviderId, ServiceNotFound } from '#model'
import { type ComputeNode, releaseHost, type Service } from '#store'
import { severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { BadService, HostHasInstances, HostHasMoves, ServiceGone } from './faults.ts'
import { findService } from './find.ts'

function idOf(text: string, namesByUuid: boolean): string | number {
  if (namesByUuid) {
    if (!isUuidLike(text)) throw BadService({ text: `Invalid uuid ${text}` })
    return text
  }
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw BadService({ text: 'Invalid input received: id must be an integer' })
  return Number(text)
}

/** In this cell, or on its way here: at home, or with a mapping to wherever. */
async function lives(deps: ApiDeps, id: string): Promise<boolean> {
  const { store } = deps
  if ((await store.instances.find(id)) !== undefined) return true
  const cells = await severalCells(deps)
  if (cells === undefined) return false
  const mapping = await store.instanceMappings.find(id)
  if (mapping !== undefined) return !mapping.isDeleted
  const home = await cells.ofServer(id)
  return (await home.store.instances.find(id)) !== undefined
}

/**
 * Takes the node out of placement with what ended servers have left there. A consumer that still lives is a server on
 * its way to this host: it has an allocation before it has the host's name.
 */
async function removeProvider(deps: ApiDeps, providerId: string): Promise<void> {
  const { placement, store } = deps
  try {
    for (const id of await placement.consumersOf(providerId)) {
      if (await lives(deps, id)) throw HostHasInstances({})
      await releaseHost(store, id)
      await placement.release(id)
    }
    await placement.deleteProvider(providerId)
  } catch (error) {
    if (!ProviderNotFound.is(error)) throw error
  }
}

/** The providers of its PCI devices go before the node's own. */
async function removeNode(deps: ApiDeps, node: ComputeNode): Promise<void> {
  const devices = await deps.store.pciDevices.on(node.uuid)
  for (const id of new Set(devices.map(device => pciProviderId(node.uuid, device)))) await removeProvider(deps, id)
  await removeProvider(deps, node.uuid)
}

/**
 * Placement first: when this process dies in between, the service is still there and can be deleted again. Instances are
 * counted once more where the rows go.
 */
async function removeCompute(deps: ApiDeps, service: Service): Promise<void> {
  const { store } = deps
  const { host } = service
  if ((await store.instances.idsByHost([host])).size > 0) throw HostHasInstances({})
  if ((await store.moves.inProgressOn(host)).length > 0) throw HostHasMoves({})
  const nodes = (await store.computeNodes.list()).filter(node => node.host === host)
  for (const node of nodes) await removeNode(deps, node)
  await store.transaction(async tx => {
    if ((await tx.instances.idsByHost([host])).size > 0) throw HostHasInstances({})
    if ((await tx.moves.inProgressOn(host)).length > 0) throw HostHasMoves({})
    await tx.aggregates.forgetHost(host)
    for (const node of nodes) {
      await tx.computeNodes.delete(node.uuid)
      await tx.pciDevices.removeAllOf(node.uuid)
    }
    await tx.services.delete(service)
    await deps.notices.tell(tx, 'service.delete', { service })
  })
  if ((await severalCells(deps)) !== undefined) await store.hostMappings.remove(host)
}

export const remove = operation<ApiDeps, { id: string }>()({
  status: 204,
  policy: 'os_compute_api:os-services:delete',
  faults: {
    InvalidInput: 400,
    ServiceGone: 404,
    ServiceNotUnique: 400,
    ServiceHostsInstances: 409,
    ServiceHasMigrations: 409,
  },
  behaviours: { namesByUuid: since('2.53') },
  async handle({ path, allow, behaves }, deps) {
    allow({})
    const id = idOf(path.id, behaves.namesByUuid)
    const { deps: own, value: service } = await findService(deps, id).catch((error: unknown) => {
      if (ServiceNotFound.is(error)) throw ServiceGone({ id: path.id }, { cause: error })
      throw error
    })
    if (service.binary === 'nova-compute') await removeCompute(own, service)
    else
      await own.notices.together(own.store, async tx => {
        if (await tx.services.delete(service)) await own.notices.tell(tx, 'service.delete', { service })
      })
  },
})
