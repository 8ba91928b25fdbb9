import type { Caller } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { ImageMetadataLimit } from './faults.ts'

/** `metadata_items` bounds the properties of images too; nothing is always allowed. */
export async function mustFitQuota(
  deps: ApiDeps,
  caller: Caller,
  items: Readonly<Record<string, unknown>>,
): Promise<void> {
  const count = Object.keys(items).length
  if (count === 0) return
  const limits = await deps.quotas.limits(deps.store, caller.projectId ?? '', caller.userId)
  const allowed = limits['metadata_items'] ?? -1
  if (allowed >= 0 && count > allowed) throw ImageMetadataLimit({})
}
