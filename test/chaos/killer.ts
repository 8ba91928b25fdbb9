import { pause, waitFor } from '#base'
import type { Arena, Target } from './arena.ts'
import type { Json } from './client.ts'
import type { Dice } from './dice.ts'
import type { Course } from './load.ts'

/** Operations of one burst. */
const fewest = 4
const most = 9
/** A host that stays away so long counts as down, and its servers are evacuated. */
const outage = 0.25
/** Milliseconds. */
const quick = [0, 1000] as const

/**
 * Lets the users do some things, kills one part in the middle of it, and starts it again; over and over. Returns when the
 * load is over.
 */
export async function runKiller(arena: Arena, course: Course, dice: Dice): Promise<void> {
  while (!course.isOver) {
    const before = course.asked
    const target = dice.pick(arena.targets) as Target
    const isOutage = target.host !== undefined && (target.isFenced === true || dice.chance(outage))
    const [count, delayMs, awayMs] = [
      dice.whole(fewest, most),
      dice.whole(0, 500),
      dice.whole(...(target.awayMs ?? quick)),
    ]
    course.allow(count)
    await waitFor('the burst to begin', () => course.isOver || course.asked > before || undefined, {
      deadlineMs: 400_000,
      everyMs: 5,
    })
    await pause(delayMs)
    course.tally.hit(target.name)
    await target.kill()
    if (isOutage) await stayAway(arena, course, target.host as string)
    else await pause(awayMs)
    await target.start()
    if (isOutage) course.down.delete(target.host as string)
  }
}

/** Until it has counted as down for a while, with the users knowing. */
async function stayAway({ client }: Arena, course: Course, host: string): Promise<void> {
  await waitFor(
    `${host} to count as down`,
    async () => {
      const { body } = await client.get('compute', `/os-services?binary=nova-compute&host=${host}`)
      return body.services.every((s: Json) => s.state === 'down') || course.isOver || undefined
    },
    { deadlineMs: 60_000, everyMs: 200 },
  )
  course.down.add(host)
  const until = course.asked + 8
  course.allow(8)
  const end = performance.now() + 8000
  await waitFor(
    'operations on the outage',
    () => course.isOver || course.asked >= until || performance.now() > end || undefined,
    { deadlineMs: 60_000, everyMs: 50 },
  )
}
