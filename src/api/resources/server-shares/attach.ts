import { newUuid } from '#base'
import { type Caller, type Share, ShareNotFound } from '#cloud'
import { type Instance, isShareProtocol, type ServerShare, type ShareProtocol } from '#model'
import { acceptTask } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import {
  ShareMappingAlreadyExists,
  ShareMissingExportLocation,
  ShareProtocolNotSupported,
  ShareStatusIncorrect,
  SharesNotConfigured,
  SharesNotSupported,
} from './faults.ts'

/** The first nova-compute that gives shares to guests. */
const firstVersion = 67

/** All hosts know of shares, and the guest's memory can be shared with who serves the files. */
export async function mustSupportShares(deps: ApiDeps, instance: Instance): Promise<void> {
  const services = await deps.store.services.list({ binary: 'nova-compute' })
  if (services.some(service => service.version < firstVersion)) throw SharesNotSupported({})
  const node = instance.host === null ? undefined : await deps.store.computeNodes.find({ host: instance.host })
  const traits = node === undefined ? [] : await deps.placement.traits(node.uuid)
  const hasSharedMemory =
    traits.includes('COMPUTE_MEM_BACKING_FILE') || instance.flavor.extraSpecs['hw:mem_page_size'] !== undefined
  if (!traits.includes('COMPUTE_STORAGE_VIRTIO_FS') || !hasSharedMemory) throw SharesNotConfigured({})
}

/** A share that a host can mount now: where, and how. */
export function mountable(share: Share): { readonly exportLocation: string; readonly protocol: ShareProtocol } {
  const { id, status, exportLocation, protocol } = share
  if (status !== 'available') throw ShareStatusIncorrect({ id, status })
  if (exportLocation === null) throw ShareMissingExportLocation({ id })
  if (!isShareProtocol(protocol)) throw ShareProtocolNotSupported({ protocol })
  return { exportLocation, protocol }
}

export interface Asking {
  readonly caller: Caller
  readonly isAdmin: boolean
  readonly requestId: string
}

/** The record of the share and the saga that opens it to the host. */
export async function acceptShare(
  deps: ApiDeps,
  { caller, isAdmin, requestId }: Asking,
  instance: Instance,
  wish: { readonly share: Share; readonly tag: string },
): Promise<ServerShare> {
  const { share, tag } = wish
  const mapping: ServerShare = {
    id: newUuid(),
    instanceId: instance.id,
    shareId: share.id,
    status: 'attaching',
    tag,
    accessTo: null,
    ...mountable(share),
  }
  await acceptTask(deps, caller, isAdmin, requestId, instance, {
    action: 'attachShare',
    word: 'create share',
    saga: 'share-attach',
    input: { mappingId: mapping.id, shareId: share.id },
    alsoWrite: async tx => {
      if (!(await tx.serverShares.add(mapping, deps.clock.now())))
        throw ShareMappingAlreadyExists({ id: share.id, tag })
    },
  })
  return mapping
}

/** The share of the server, as everybody looks for it. */
export async function shareIn(deps: ApiDeps, instance: Instance, shareId: string): Promise<ServerShare> {
  const share = await deps.store.serverShares.findIn(instance.id, shareId)
  if (share === undefined) throw ShareNotFound({ id: shareId })
  return share
}

/** The saga that takes the share away; one that is on its way already is asked for once. */
export async function acceptShareRemoval(
  deps: ApiDeps,
  { caller, isAdmin, requestId }: Asking,
  instance: Instance,
  share: ServerShare,
): Promise<void> {
  if (share.status === 'detaching') return
  await acceptTask(deps, caller, isAdmin, requestId, instance, {
    action: 'detachShare',
    word: 'delete share',
    saga: 'share-detach',
    input: { mappingId: share.id, shareId: share.shareId },
    alsoWrite: async tx => {
      await tx.serverShares.change(share.id, { status: 'detaching' }, deps.clock.now())
    },
  })
}
