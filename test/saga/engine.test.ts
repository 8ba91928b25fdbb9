import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declareFault, ManualClock, silentLog, systemClock, waitFor } from '#base'
import { emptyJournal, type Journal, type Outcome, SagaEngine, saga } from '#saga'
import { describePoint, sweepOne, sweepPoints, type World } from '#saga/sweep'
import { openStore, type Store, sagaJournal } from '#store'
import { freshDatabase } from '../database/index.ts'

const Broken = declareFault('Broken', 'final', () => 'broken')
const Flaky = declareFault('Flaky', 'transient', () => 'flaky')

/** A world of named things that steps make and undo. */
class Things {
  readonly made = new Set<string>()
  readonly log: string[] = []
  fail: (name: string) => void = () => undefined

  make(name: string): string {
    this.log.push(name)
    this.fail(name)
    this.made.add(name)
    return `${name}-made`
  }

  undo(name: string): void {
    this.log.push(`-${name}`)
    this.made.delete(name)
  }
}

interface Input {
  readonly hosts: readonly string[]
}

const child = saga<Things, string, Store>('child')
  .step(
    'claim',
    (s, d) => d.make(`claim-${s.input}`),
    (s, d) => d.undo(`claim-${s.input}`),
  )
  .step(
    'guest',
    (s, d) => d.make(`guest-${s.input}`),
    (s, d) => d.undo(`guest-${s.input}`),
  )
  .pivot(
    'active',
    (s, d) => d.make(`active-${s.input}`),
    (s, d) => d.undo(`active-${s.input}`),
  )

const settled: string[] = []
const parent = saga<Things, Input, Store>('parent')
  .step(
    'ports',
    (_s, d) => d.make('ports'),
    (_s, d) => d.undo('ports'),
  )
  .attempt('build', {
    items: s => s.input.hosts,
    child,
    mayTryNext: failure => failure.code !== 'Final',
    exhausted: (_s, failures) => Broken({}, { detail: `${failures.length} failed` }),
  })
  .step('after', (_s, d) => d.make('after'))
  .settled(async (_s, outcome) => {
    settled.push(outcome.status)
  })

async function world(hosts: readonly string[], things = new Things()): Promise<World & { things: Things; db: Store }> {
  const db = await openStore(await freshDatabase())
  return {
    things,
    db,
    deps: things,
    store: sagaJournal<Journal>(db, systemClock) as never,
    begin: async () => {
      await db.sagas.add({ id: 'saga-1', name: 'parent', instanceId: null, input: { hosts } }, emptyJournal(), 0)
      return 'saga-1'
    },
    complaints: async (outcome: Outcome) => {
      const made = [...things.made].sort()
      if (outcome.status === 'undone') return made.map(m => `left over: ${m}`)
      const winners = hosts.filter(h => things.made.has(`active-${h}`))
      const [winner] = winners
      if (winners.length !== 1) return [`active on ${winners.length} hosts`]
      const expected = ['after', `active-${winner}`, `claim-${winner}`, `guest-${winner}`, 'ports']
      return made.join() === expected.sort().join() ? [] : [`made ${made.join()} instead of ${expected.join()}`]
    },
    close: () => db.close(),
  }
}

async function runToEnd(
  w: Awaited<ReturnType<typeof world>>,
  before: (engine: SagaEngine<never>) => void = () => undefined,
): Promise<Outcome> {
  let outcome: Outcome | undefined
  const engine = new SagaEngine({
    store: w.store,
    definitions: [parent],
    deps: w.things,
    owner: 'me',
    log: silentLog,
    onEnd: (_r, o) => {
      outcome = o
    },
  })
  const id = await w.begin()
  before(engine)
  engine.wake(id)
  await engine.idle()
  assert.ok(outcome !== undefined, 'the saga ended')
  return outcome
}

test('steps run in order, outputs reach later steps, the end is settled once', async () => {
  const w = await world(['a'])
  settled.length = 0
  assert.deepEqual(await runToEnd(w), { status: 'done' })
  assert.deepEqual(w.things.log, ['ports', 'claim-a', 'guest-a', 'active-a', 'after'])
  assert.deepEqual(settled, ['done'])
  await w.close()
})

test('a failed attempt is unwound before the next host is tried', async () => {
  const w = await world(['a', 'b'])
  w.things.fail = name => {
    if (name === 'guest-a') throw Broken({})
  }
  assert.equal((await runToEnd(w)).status, 'done')
  assert.deepEqual(w.things.log.slice(0, 6), ['ports', 'claim-a', 'guest-a', '-guest-a', '-claim-a', 'claim-b'])
  assert.deepEqual(await w.complaints({ status: 'done' }), [])
  await w.close()
})

test('when every host fails, all is undone and the failure is told', async () => {
  const w = await world(['a', 'b'])
  w.things.fail = name => {
    if (name.startsWith('guest')) throw Broken({})
  }
  const outcome = await runToEnd(w)
  assert.equal(outcome.status, 'undone')
  assert.equal(outcome.status === 'undone' && outcome.failure.detail, '2 failed')
  assert.deepEqual([...w.things.made], [])
  await w.close()
})

test('a transient fault is tried again; after the pivot any fault is', async () => {
  const w = await world(['a'])
  let flaky = 2
  let broken = 2
  w.things.fail = name => {
    if (name === 'claim-a' && flaky-- > 0) throw Flaky({})
    if (name === 'after' && broken-- > 0) throw Broken({})
  }
  assert.equal((await runToEnd(w)).status, 'done')
  assert.equal(w.things.log.filter(l => l === 'claim-a').length, 3)
  assert.equal(w.things.log.filter(l => l === 'after').length, 3)
  await w.close()
})

test('with patience a transient fault is waited out, and a poke ends the rest before the next try', async () => {
  const w = await world(['a'])
  const clock = new ManualClock()
  let flaky = 6
  w.things.fail = name => {
    if (name === 'claim-a' && flaky-- > 0) throw Flaky({})
  }
  let outcome: Outcome | undefined
  const waited: number[] = []
  const engine = new SagaEngine({
    store: w.store,
    definitions: [parent],
    deps: w.things,
    owner: 'me',
    log: silentLog,
    clock,
    patience: async (_error, waitedMs) => waited.push(waitedMs) > 0,
    onEnd: (_row, o) => {
      outcome = o
    },
  })
  engine.wake(await w.begin())
  await waitFor(
    'the end',
    () => {
      // Time stands still: nothing but pokes gets it on.
      engine.poke()
      return outcome
    },
    { deadlineMs: 60_000, everyMs: 1 },
  )
  assert.equal(outcome?.status, 'done')
  assert.equal(w.things.log.filter(l => l === 'claim-a').length, 7)
  assert.deepEqual(waited, [0, 0, 0])
  await w.close()
})

const Away = declareFault('Away', 'transient', () => 'the database is away')

/** The journal, on which the nth call breaks: before it is heard, or when its answer comes. */
function breaking<S extends object>(
  store: S,
  at: number,
  heard: boolean,
): { readonly store: S; readonly calls: () => number } {
  let calls = 0
  const breaks = ['claim', 'write', 'finish', 'dependents']
  const proxy = new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function' || !breaks.includes(String(name))) return method
      return async (...args: unknown[]) => {
        calls++
        const isBroken = calls === at
        if (isBroken && !heard) throw Away({})
        const answer: unknown = await Reflect.apply(method, target, args)
        if (isBroken) throw Away({})
        return answer
      }
    },
  })
  return { store: proxy, calls: () => calls }
}

for (const heard of [false, true]) {
  test(`a database that goes away fails no step, wherever it is (${heard ? 'after' : 'before'} it was told)`, async () => {
    let most = 1
    for (let at = 1; at <= most; at++) {
      const w = await world(['a'])
      const clock = new ManualClock()
      const { store, calls } = breaking(w.store, at, heard)
      let outcome: Outcome | undefined
      const engine = new SagaEngine({
        store,
        definitions: [parent],
        deps: w.things,
        owner: 'me',
        log: silentLog,
        clock,
        isOutage: Away.is,
        onEnd: (_row, o) => {
          outcome = o
        },
      })
      engine.wake(await w.begin())
      const isOver = async () => {
        clock.advance(1000)
        const open = await w.db.sagas.open()
        return open.length === 0 || undefined
      }
      await waitFor(`the end after call ${at} broke`, isOver, { deadlineMs: 60_000, everyMs: 1 })
      await engine.idle()
      assert.deepEqual(await w.complaints(outcome ?? { status: 'done' }), [], `call ${at}`)
      most = calls()
      await engine.stop()
      await w.close()
    }
    assert.ok(most > 6)
  })
}

test('a step that meets the outage itself is tried again, and nothing is taken back', async () => {
  const w = await world(['a'])
  const clock = new ManualClock()
  let left = 10
  w.things.fail = name => {
    if (name === 'claim-a' && left-- > 0) throw Away({})
  }
  let outcome: Outcome | undefined
  const engine = new SagaEngine({
    store: w.store,
    definitions: [parent],
    deps: w.things,
    owner: 'me',
    log: silentLog,
    clock,
    isOutage: Away.is,
    onEnd: (_row, o) => {
      outcome = o
    },
  })
  engine.wake(await w.begin())
  const ended = () => {
    clock.advance(1000)
    return outcome
  }
  assert.deepEqual(await waitFor('the end', ended, { deadlineMs: 60_000, everyMs: 1 }), { status: 'done' })
  assert.deepEqual(await w.complaints({ status: 'done' }), [])
  await w.close()
})

test('a cancel before the pivot unwinds, after it completes', async () => {
  for (const [at, status] of [
    ['guest-a', 'undone'],
    ['after', 'done'],
  ] as const) {
    const w = await world(['a', 'b'])
    let engine: SagaEngine<never> | undefined
    const cancelled: Promise<void>[] = []
    w.things.fail = name => {
      if (name !== at) return
      cancelled.push(w.db.sagas.cancel('saga-1'))
      engine?.interrupt('saga-1')
    }
    const outcome = await runToEnd(w, e => {
      engine = e
    })
    await Promise.all(cancelled)
    assert.equal(outcome.status, status, at)
    assert.deepEqual(await w.complaints(outcome), [], at)
    await w.close()
  }
})

test('a saga that waits for another starts when that one has ended', async () => {
  const w = await world(['a'])
  const ended: string[] = []
  const engine = new SagaEngine({
    store: w.store,
    definitions: [parent],
    deps: w.things,
    owner: 'me',
    log: silentLog,
    onEnd: row => ended.push(row.id),
  })
  await w.begin()
  await w.db.sagas.add(
    { id: 'saga-2', name: 'parent', instanceId: null, input: { hosts: ['b'] }, waitsFor: 'saga-1' },
    emptyJournal(),
    0,
  )
  engine.wake('saga-2')
  await engine.idle()
  assert.deepEqual(ended, [])
  engine.wake('saga-1')
  await engine.idle()
  assert.deepEqual(ended, ['saga-1', 'saga-2'])
  await w.close()
})

test('of two engines that want the same saga, one runs it', async () => {
  const w = await world(['a'])
  const id = await w.begin()
  const engines = ['one', 'two'].map(
    owner => new SagaEngine({ store: w.store, definitions: [parent], deps: w.things, owner, log: silentLog }),
  )
  for (const engine of engines) engine.wake(id)
  await Promise.all(engines.map(e => e.idle()))
  assert.equal(w.things.log.filter(l => l === 'ports').length, 1)
  await w.close()
})

test('sweep: a failure or a crash anywhere ends in done or a clean slate', async t => {
  const hosts = ['a', 'b']
  const points = await sweepPoints(parent, () => world(hosts))
  assert.ok(points.length >= 38, `${points.length} points`)
  for (const point of points) {
    await t.test(describePoint(point), async () => {
      assert.deepEqual(await sweepOne(parent, () => world(hosts), point), [])
    })
  }
})
