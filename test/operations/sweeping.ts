import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#base'
import type { AnyDefinition, Journal, Outcome } from '#saga'
import { describePoint, type SweepPoint, sweepOne, sweepPoints, type World } from '#saga/sweep'
import { sagaJournal } from '#store'
import type { SmallCloud } from './world.ts'

/** What a swept saga starts from, and what must be true when it has ended. */
export interface Scene {
  /** The id of the saga, which has been accepted and has not run. */
  begin(): Promise<string>
  complaints(outcome: Outcome): Promise<readonly string[]>
}

/** One test for each point at which the saga fails or dies; `choose` takes some of them. */
export function describeSweep(
  title: string,
  definition: AnyDefinition,
  open: () => Promise<{ readonly cloud: SmallCloud; readonly scene: Scene }>,
  choose: (points: readonly SweepPoint[]) => readonly SweepPoint[] = points => points,
): void {
  describe(title, async () => {
    const newWorld = async (): Promise<World> => {
      const { cloud, scene } = await open()
      return {
        store: sagaJournal<Journal>(cloud.store, systemClock) as never,
        deps: cloud.conductor,
        begin: () => scene.begin(),
        complaints: outcome => scene.complaints(outcome),
        close: () => cloud.close(),
      }
    }
    const points = choose(await sweepPoints(definition, newWorld))
    test('has points', () => assert.ok(points.length >= 4))
    for (const point of points) {
      test(describePoint(point), async () => {
        assert.deepEqual(await sweepOne(definition, newWorld, point), [])
      })
    }
  })
}
