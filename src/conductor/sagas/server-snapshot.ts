import type { SagaInputs } from '#bus'
import { imageSaga, settleSnapshot, toldOfImage } from '../snapshot.ts'

const event = 'compute_snapshot_instance'

/** createImage of a server with a disk of its own. */
export const serverSnapshot = imageSaga<SagaInputs['server-snapshot']>('server-snapshot', event, 'image_snapshot')
  .settled((s, outcome, tx, at) => settleSnapshot(s.input, event, outcome, tx, at))
  .telling(toldOfImage)
