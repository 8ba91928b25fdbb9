import type { Caller, Image } from '#cloud'
import { type Instance, isVolumeBacked } from '#model'
import type { ApiDeps } from '../deps.ts'
import { withNewImage } from './image.ts'
import { mustHaveNoShares } from './shares.ts'
import { acceptTask, mustAllow } from './task.ts'

/** Who asks, and for which request. */
export interface Asking {
  readonly caller: Caller
  readonly isAdmin: boolean
  readonly requestId: string
}

/** createImage of a server with a disk of its own. */
export function acceptSnapshot(
  deps: ApiDeps,
  { caller, isAdmin, requestId }: Asking,
  instance: Instance,
  asked: { readonly name: string; readonly metadata: Readonly<Record<string, string>> },
): Promise<Image> {
  mustAllow(instance, 'createImage', 'createImage', isAdmin)
  const image = { name: asked.name, type: 'snapshot', extra: asked.metadata } as const
  return withNewImage(deps, caller, instance, image, ({ id: imageId }) =>
    acceptTask(deps, caller, isAdmin, requestId, instance, {
      action: 'createImage',
      word: 'createImage',
      saga: 'server-snapshot',
      input: { imageId },
    }),
  )
}

export interface AskedBackup {
  readonly name: string
  readonly backupType: string
  readonly rotation: number
  readonly metadata: Readonly<Record<string, string>>
}

export function acceptBackup(
  deps: ApiDeps,
  { caller, isAdmin, requestId }: Asking,
  instance: Instance,
  { name, backupType, rotation, metadata }: AskedBackup,
): Promise<Image> {
  const image = { name, type: 'backup', extra: { ...metadata, backup_type: backupType } } as const
  return withNewImage(deps, caller, instance, image, ({ id: imageId, ownerId: imageOwner }) =>
    acceptTask(deps, caller, isAdmin, requestId, instance, {
      action: 'createBackup',
      word: 'createBackup',
      saga: 'server-backup',
      input: { imageId, imageOwner, backupType, rotation },
    }),
  )
}

/** With an image of its disk; a server whose root disk is a volume needs none and leaves its host at once. */
export async function acceptShelve(
  deps: ApiDeps,
  { caller, isAdmin, requestId }: Asking,
  instance: Instance,
): Promise<void> {
  await mustHaveNoShares(deps.store, 'shelve', instance.id)
  mustAllow(instance, 'shelve', 'shelve', isAdmin)
  const task = { action: 'shelve', word: 'shelve' } as const
  if (isVolumeBacked(await deps.store.blockDevices.of(instance.id))) {
    const request = { ...task, saga: 'server-shelve-offload', input: {} } as const
    return acceptTask(deps, caller, isAdmin, requestId, instance, request)
  }
  const image = {
    name: `${instance.displayName}-shelved`,
    type: 'snapshot',
    extra: { base_image_ref: instance.image?.id ?? '' },
    isPutAway: true,
  } as const
  await withNewImage(deps, caller, instance, image, ({ id: imageId }) =>
    acceptTask(deps, caller, isAdmin, requestId, instance, { ...task, saga: 'server-shelve', input: { imageId } }),
  )
}
