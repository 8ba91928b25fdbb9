/** What a saga tells is told once, in order, whatever step fails and wherever the process is killed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#base'
import { emptyJournal, type Journal, type Listener, type Outcome, saga } from '#saga'
import { describePoint, sweepOne, sweepPoints, type World } from '#saga/sweep'
import { openStore, type Store, sagaJournal } from '#store'
import { freshDatabase } from '../database/index.ts'

const nothing = () => undefined

const child = saga<object, string, Store>('child')
  .step('claim', nothing, nothing)
  .step('guest', nothing, nothing)
  .pivot('active', nothing, nothing)
  .telling({
    'before claim': { event: 'build.start', about: s => ({ on: s.input }) },
    'after guest': { event: 'guest.made' },
    'taking back guest': { event: 'guest.leaving' },
    'taken back guest': { event: 'guest.left' },
    failed: { event: 'build.error', after: 'before claim' },
  })

const parent = saga<object, object, Store>('parent')
  .step('ports', nothing, nothing)
  .attempt('build', {
    items: () => ['one', 'two'],
    child,
    mayTryNext: () => true,
    exhausted: (_s, [first]) => new Error(first?.message),
  })
  .step('after', nothing)
  .telling({
    'before ports': { event: 'start' },
    'after ports': [{ event: 'ports.made' }, { event: 'never', about: nothing }],
    'after build': { event: 'built' },
    failed: { event: 'failed', after: 'before ports' },
    done: [
      { event: 'end', after: 'before ports' },
      { event: 'silent', after: 'taken back ports' },
    ],
    undone: { event: 'undone' },
  })

async function world(): Promise<World> {
  const db = await openStore(await freshDatabase())
  const told = async () => (await db.outbox.first(1000)).map(({ eventType }) => eventType)
  const listener: Listener<Store> = {
    around: (_row, work) => work(),
    tell: (tx, { instanceId }, { event, about, failure }) =>
      tx.outbox.add([
        {
          instanceId,
          projectId: null,
          format: 'versioned',
          eventType: event,
          priority: failure === undefined ? 'INFO' : 'ERROR',
          message: JSON.stringify(about),
          createdAtMs: 0,
        },
      ]),
  }
  return {
    deps: {},
    store: sagaJournal<Journal>(db, systemClock) as never,
    listener: listener as Listener<never>,
    begin: async () => {
      await db.sagas.add({ id: 'saga-1', name: 'parent', instanceId: null, input: {} }, emptyJournal(), 0)
      return 'saga-1'
    },
    complaints: async (outcome: Outcome) => complaints(await told(), outcome),
    close: () => db.close(),
  }
}

const once = ['start', 'ports.made', 'built', 'failed', 'end', 'undone']

function complaints(told: readonly string[], { status }: Outcome): readonly string[] {
  const count = (event: string) => told.filter(one => one === event).length
  const found = once.filter(event => count(event) > 1).map(event => `${event} ${count(event)} times`)
  const must = (event: string, times: number) => {
    if (count(event) !== times) found.push(`${event} ${count(event)} times instead of ${times}`)
  }
  must('end', status === 'done' ? 1 : 0)
  must('undone', status === 'undone' ? 1 : 0)
  must('never', 0)
  must('silent', 0)
  // As many builds as begin fail, but for the one that succeeds.
  must('build.error', count('build.start') - (status === 'done' ? 1 : 0))
  must('guest.left', count('guest.leaving'))
  if (status === 'done') must('built', 1)
  const last = status === 'done' ? 'end' : 'undone'
  if (told.at(-1) !== last) found.push(`${told.at(-1)} is the last`)
  if (count('start') > 0 && told[0] !== 'start') found.push(`${told[0]} is the first`)
  return found.length === 0 ? [] : [...found, `told: ${told.join(' ')}`]
}

test('once, in order, wherever it fails or is killed', async () => {
  const points = await sweepPoints(parent, world)
  assert.ok(points.length >= 40, `${points.length} points`)
  for (const point of points) assert.deepEqual(await sweepOne(parent, world, point), [], describePoint(point))
})

test('without a listener nothing more is written than the journal', async () => {
  const { listener: _, ...deaf } = await world()
  const point = { path: 'ports', phase: 'before', kind: 'crash' } as const
  const silent = async () => ({
    ...deaf,
    complaints: async (outcome: Outcome) => [outcome.status],
  })
  assert.deepEqual(await sweepOne(parent, silent, point), ['done'])
})
