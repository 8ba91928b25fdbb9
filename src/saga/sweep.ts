import { declareFault, silentLog } from '#base'
import type { AnyDefinition, Outcome } from './definition.ts'
import { type Listener, SagaEngine } from './engine.ts'
import type { JournalStore } from './journal.ts'
import { Abandoned, type Probe } from './run.ts'

/** A fresh world for one run: everything the saga touches, real or honest stand-ins. */
export interface World {
  readonly store: JournalStore<never>
  readonly deps: unknown
  /** Who is told of what it does; none: nobody. */
  readonly listener?: Listener<never>
  /** Writes the saga row (and whatever its acceptance writes) and returns its id. */
  begin(): Promise<string>
  /** Complaints about this world once the saga has ended: leftovers after `undone`, missing things after `done`. */
  complaints(outcome: Outcome): Promise<readonly string[]>
  close(): Promise<void>
}

/** The fault that a sweep injects. */
export const SweptFault = declareFault('SweptFault', 'final', (p: { at: string }) => `injected at ${p.at}`)

export interface SweepPoint {
  readonly path: string
  readonly phase: Parameters<Probe>[0]['phase']
  readonly kind: 'fail' | 'crash'
  /** For crashes while unwinding: the step that fails first. */
  readonly failAt?: string
}

export const describePoint = (p: SweepPoint): string =>
  `${p.kind} ${p.phase} ${p.path}${p.failAt === undefined ? '' : ` while unwinding from ${p.failAt}`}`

const owner = (life: number) => `sweep-${life}`

/** Runs the saga to its end through any number of process lives; `probe` plays the accidents. */
async function runLives(world: World, definition: AnyDefinition, id: string, probe: Probe): Promise<Outcome> {
  for (let life = 1; life < 20; life++) {
    let outcome: Outcome | undefined
    const engine = new SagaEngine({
      store: world.store,
      definitions: [definition],
      deps: world.deps,
      owner: owner(life),
      log: silentLog,
      // A lease that has lapsed when it is written: the next life may claim at once, as after a long night.
      leaseMs: 0,
      probe,
      ...(world.listener === undefined ? {} : { listener: world.listener }),
      onEnd: (_row, o) => {
        outcome = o
      },
    })
    engine.wake(id)
    await engine.idle()
    if (outcome !== undefined) return outcome
  }
  throw new Error(`saga ${definition.name} did not end in 20 lives`)
}

/** Every point of the saga's forward way, and every undo point after a failure at each step. */
export async function sweepPoints(
  definition: AnyDefinition,
  newWorld: () => Promise<World>,
): Promise<readonly SweepPoint[]> {
  const forward = await trace(definition, newWorld, undefined)
  const points: SweepPoint[] = []
  for (const { path, phase } of forward) {
    points.push({ path, phase, kind: 'crash' })
    if (phase === 'before' || phase === 'after') points.push({ path, phase, kind: 'fail' })
  }
  const steps = forward.filter(p => p.phase === 'before').map(p => p.path)
  for (const failAt of steps) {
    for (const { path, phase } of await trace(definition, newWorld, failAt)) {
      if (phase === 'undo-before' || phase === 'undo-after') points.push({ path, phase, kind: 'crash', failAt })
    }
  }
  return points
}

async function trace(definition: AnyDefinition, newWorld: () => Promise<World>, failAt: string | undefined) {
  const seen: { path: string; phase: SweepPoint['phase'] }[] = []
  const world = await newWorld()
  let hasFailed = false
  try {
    await runLives(world, definition, await world.begin(), at => {
      seen.push({ path: at.path, phase: at.phase })
      if (at.path === failAt && at.phase === 'after' && !hasFailed) {
        hasFailed = true
        throw SweptFault({ at: at.path })
      }
    })
  } finally {
    await world.close()
  }
  return seen
}

/** Plays one accident in a fresh world and returns the complaints about how it ended. */
export async function sweepOne(
  definition: AnyDefinition,
  newWorld: () => Promise<World>,
  point: SweepPoint,
): Promise<readonly string[]> {
  const world = await newWorld()
  let isPlayed = false
  let hasFailed = false
  try {
    const outcome = await runLives(world, definition, await world.begin(), at => {
      if (point.failAt !== undefined && at.path === point.failAt && at.phase === 'after' && !hasFailed) {
        hasFailed = true
        throw SweptFault({ at: at.path })
      }
      if (isPlayed || at.path !== point.path || at.phase !== point.phase) return
      isPlayed = true
      if (point.kind === 'crash') throw new Abandoned('played kill -9')
      throw SweptFault({ at: `${at.path} ${at.phase}` })
    })
    if (!isPlayed) return [`the sweep never came to: ${describePoint(point)}`]
    return await world.complaints(outcome)
  } finally {
    await world.close()
  }
}
