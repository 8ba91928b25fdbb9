/**
 * OpenStack Placement, built in: what there is, who holds what of it, and who could hold more.
 *
 * Owns the placement tables (its own database or a shared one) and a snapshot of them in memory. Promises: no claim
 * ever exceeds a provider's capacity, with any number of processes on one database; candidates are read from memory,
 * so that ten thousand providers cost milliseconds; every refusal says what was needed and what was there.
 * Called in process through `port` by the scheduler, the sagas and the hosts, and by everybody else through `face`, the
 * public Placement API 1.0 to 1.39.
 */
import type { Clock, Log } from '#base'
import type { IdentityPort, PlacementPort } from '#cloud'
import { type Face, lateFace } from '#http'
import { migrate, openDatabase, type StatementCounter } from '#store/engine'
import { createPlacementFace } from './api/face.ts'
import { defaultSearch, type SearchOptions } from './engine/candidates.ts'
import { Ledger } from './ledger.ts'
import { InProcessPlacement } from './port.ts'
import { migrations } from './store/migrations.ts'
import type { PlacementTables } from './store/tables.ts'

export interface PlacementOptions {
  /** `sqlite:///absolute/path`, as in nova.conf. */
  readonly databaseUrl: string
  readonly identity: IdentityPort
  readonly log: Log
  readonly clock: Clock
  /** `[placement]allocation_candidates_generation_strategy`; depth first unless said otherwise. */
  readonly strategy?: SearchOptions['strategy']
  readonly counter?: StatementCounter
}

export interface Placement {
  readonly port: PlacementPort
  /** The public API, not yet listening. */
  readonly face: Face
  close(): Promise<void>
}

export async function createPlacement(options: PlacementOptions): Promise<Placement> {
  const { identity, log, clock } = options
  const { ledger, search, port, close } = await openPlacement(options)
  const face = lateFace(() => createPlacementFace({ ledger, identity, log, clock, search }))
  return {
    port,
    get face() {
      return face.get()
    },
    close: async () => {
      await face.close()
      await close()
    },
  }
}

/** Without the public API: for a command that works on the database of a service which runs elsewhere, or not at all. */
export async function openPlacementPort(
  options: Omit<PlacementOptions, 'identity'>,
): Promise<Pick<Placement, 'port' | 'close'>> {
  const { port, close } = await openPlacement(options)
  return { port, close }
}

async function openPlacement(options: Omit<PlacementOptions, 'identity'>) {
  const { log, clock, counter } = options
  const db = openDatabase<PlacementTables>(options.databaseUrl, counter === undefined ? {} : { counter })
  await migrate(db, 'placement', migrations)
  const ledger = new Ledger(db, clock, log)
  await ledger.read()
  const search = { ...defaultSearch, ...(options.strategy === undefined ? {} : { strategy: options.strategy }) }
  return { ledger, search, port: new InProcessPlacement(ledger, search), close: () => db.destroy() }
}
