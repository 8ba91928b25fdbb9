import { apiDb } from './api-db/index.ts'
import { cell } from './cell/index.ts'
import { cellV2 } from './cell-v2/index.ts'
import { db } from './db/index.ts'
import { imageProperty } from './image-property/index.ts'
import type { CommandGroup } from './kit/command.ts'
import { libvirt } from './libvirt/index.ts'
import { placement } from './placement/index.ts'
import { scheduler } from './scheduler/index.ts'
import { volumeAttachment } from './volume-attachment/index.ts'

/** All that nova-manage can do, in the order of its help. */
export const manageGroups: readonly CommandGroup[] = [
  apiDb,
  cell,
  cellV2,
  db,
  imageProperty,
  libvirt,
  placement,
  scheduler,
  volumeAttachment,
]
