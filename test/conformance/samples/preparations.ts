import type { Sample } from '../reference.ts'
import { aggregatePreparations } from './preparations/aggregates.ts'
import { flavorPreparations } from './preparations/flavors.ts'
import { moves } from './preparations/moves.ts'
import { neighbours } from './preparations/neighbours.ts'
import { operatorPreparations } from './preparations/operators.ts'
import { serverActions } from './preparations/server-actions.ts'
import { serverParts } from './preparations/server-parts.ts'
import type { Scene } from './scene.ts'
import type { World } from './world.ts'

/** Brings the cloud into the state that a sample speaks of and tells the ids. */
export type Prepare = (world: World, scene: Scene, sample: Sample) => Promise<void> | void

/** By route. A route below /servers that is not here needs no more than a running server. */
export const preparations: Readonly<Record<string, Prepare>> = {
  ...aggregatePreparations,
  ...flavorPreparations,
  ...moves,
  ...neighbours,
  ...operatorPreparations,
  ...serverActions,
  ...serverParts,
}
