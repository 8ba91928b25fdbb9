import { apiDb } from './api-db/index.ts'
import { cell } from './cell/index.ts'
import { cellV2 } from './cell-v2/index.ts'
import { db } from './db/index.ts'
import { imageProperty } from './image-property/index.ts'
import type { CommandGroup } from './kit/command.ts'
import { libvirt } from './libvirt/index.ts'
import { placement } from './placement/index.ts'
import { scheduler } from './scheduler/index.ts'
import { upgrade } from './upgrade/index.ts'
import { volumeAttachment } from './volume-attachment/index.ts'

/** An executable made of commands. */
export interface OperatorProgram {
  readonly name: string
  readonly help: string
  readonly groups: readonly CommandGroup[]
}

/** In the order of its help. */
export const novaManage: OperatorProgram = {
  name: 'nova-manage',
  help: 'Commands for the operator of the cloud.',
  groups: [apiDb, cell, cellV2, db, imageProperty, libvirt, placement, scheduler, volumeAttachment],
}

export const novaStatus: OperatorProgram = {
  name: 'nova-status',
  help: 'Tells whether the cloud is ready for this release.',
  groups: [upgrade],
}
