import { pause, waitFor } from '#base'
import { openStore } from '#store'
import type { Arena } from './arena.ts'
import { Audit } from './audit.ts'
import { Dice } from './dice.ts'
import { find } from './findings.ts'
import { runKiller } from './killer.ts'
import { Course, runLoad } from './load.ts'
import { furnish, type World } from './world.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly operations: number
  readonly workers?: number
}

export interface ChaosResult {
  readonly complaints: readonly string[]
  readonly course: Course
}

/** How long orphans may be there until the reconcilers have found and removed them. */
const healMs = 120_000

/** Nobody works on anything. */
async function quiet({ databases }: Arena): Promise<void> {
  // Work may go from one cell to another: at the end all are quiet at once.
  for (let i = 0; i < databases.length; i++) await Promise.all(databases.map(quietIn))
}

async function quietIn(database: string): Promise<void> {
  const store = await openStore(database)
  try {
    await waitFor('the end of all sagas', async () => (await store.sagas.open()).length === 0 || undefined, {
      deadlineMs: 300_000,
      everyMs: 200,
    }).catch(() => undefined) // the audit names them
  } finally {
    await store.close()
  }
}

/** What is wrong still after the reconcilers have had their time. */
async function audit(arena: Arena, world: World, course: Course): Promise<readonly string[]> {
  const servers = [...new Set(course.tally.accepted.map(({ serverId }) => serverId))]
  const end = performance.now() + healMs
  const first = new Audit(await find(arena, servers), world, arena.killsGuests).all()
  course.tally.healed.push(...first)
  for (;;) {
    const complaints = new Audit(await find(arena, servers), world, arena.killsGuests).all()
    if (complaints.length === 0 || performance.now() > end) return complaints
    await pause(500)
  }
}

/** A delete of a server that is being deleted is none of its own: it is accepted, and the first one is on record. */
async function isRepeatedDelete({ client }: Arena, serverId: string, operation: string): Promise<boolean> {
  if (!operation.endsWith('delete')) return false
  const { body } = await client.get('compute', `/servers/${serverId}/os-instance-actions`)
  return body.instanceActions.some(({ action }: { action: string }) => /delete/i.test(action))
}

/** Every action that was accepted has a record with a result. */
async function unrecorded(arena: Arena, course: Course): Promise<readonly string[]> {
  const { client } = arena
  const complaints: string[] = []
  for (const { serverId, operation, requestId } of course.tally.accepted) {
    const { status, body } = await client.get('compute', `/servers/${serverId}/os-instance-actions/${requestId}`)
    const events = status === 200 ? body.instanceAction.events : []
    const isDone = events.length > 0 && events.every((e: { result: string | null }) => e.result !== null)
    if (!isDone && !(status === 404 && (await isRepeatedDelete(arena, serverId, operation))))
      complaints.push(`${serverId}: ${operation} ${requestId} has no result: ${status} ${JSON.stringify(body)}`)
  }
  return complaints
}

export async function runChaos(arena: Arena, options: ChaosOptions): Promise<ChaosResult> {
  const dice = new Dice(options.seed)
  const course = new Course()
  const world = await furnish(arena)
  const { operations, workers = 10 } = options
  const load = runLoad(arena, world, course, dice.child(), { operations, workers, servers: 3 })
  const killer = runKiller(arena, course, dice.child())
  const began = performance.now()
  const lap = (what: string) => course.tally.laps.push(`${what} ${Math.round(performance.now() - began)} ms`)
  await Promise.all([load, killer])
  lap('load')
  await quiet(arena)
  lap('quiet')
  const complaints = [
    ...course.tally.complaints,
    ...(await unrecorded(arena, course)),
    ...(await audit(arena, world, course)),
  ]
  lap('audit')
  return { complaints, course }
}
