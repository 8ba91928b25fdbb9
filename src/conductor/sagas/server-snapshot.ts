import type { SagaInputs } from '#bus'
import { imageSaga, settleSnapshot } from '../snapshot.ts'

const event = 'compute_snapshot_instance'

/** createImage of a server with a disk of its own. */
export const serverSnapshot = imageSaga<SagaInputs['server-snapshot']>('server-snapshot', event).settled(
  (s, outcome, tx, at) => settleSnapshot(s.input, event, outcome, tx, at),
)
