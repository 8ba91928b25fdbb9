import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { declareFault, ManualClock, silentLog, waitFor } from '#base'
import type { CellMessage } from '#bus'
import {
  CellMessageMalformed,
  CellMethodNotFound,
  CellNotFound,
  CellRoutingInconsistency,
  CellTimeout,
} from '../faults.ts'
import { CellTree } from '../tree/tree.ts'
import { newMessage } from './message.ts'
import { cellMethod } from './methods.ts'
import { integer, object, text } from './schema.ts'
import { contract, Forest, neighbour } from './testing.test-kit.ts'

const greet = cellMethod<{ who: string }, string>('greet', { takes: object({ who: text }), gives: text })
const NotToday = declareFault('NotToday', 'conflict', (p: { who: string }) => `Not today, ${p.who}.`)

let forest: Forest
beforeEach(() => {
  forest = new Forest()
})
afterEach(() => forest.close())

/** api!west!far, each greeting with its path. */
async function threeCells() {
  const api = await forest.cell('api', { children: ['west'] })
  const west = await forest.cell('west', { parent: 'api', children: ['far'] })
  const far = await forest.cell('far', { parent: 'west' })
  for (const cell of [api, west, far]) {
    cell.methods.add(greet, async ({ who }, { routingPath }) => `${who} from ${routingPath}`)
  }
  return { api, west, far }
}

test('a targeted message goes down over all cells on the way, and up', async () => {
  const { api, far } = await threeCells()
  assert.equal(await api.router.call('api!west!far', greet, { who: 'a' }), 'a from api!west!far')
  assert.equal(await api.router.call('api!west', greet, { who: 'a' }), 'a from api!west')
  assert.equal(await api.router.call('api', greet, { who: 'a' }), 'a from api')
  assert.equal(await far.router.call('far!west!api', greet, { who: 'b' }), 'b from far!west!api')
})

test('what the method throws is thrown where it was called', async () => {
  const refuse = cellMethod<{ who: string }, string>('refuse', { takes: object({ who: text }), gives: text })
  const east = await forest.cell('east', { parent: 'api' })
  east.methods.add(refuse, async ({ who }) => {
    throw NotToday({ who })
  })
  const top = await forest.cell('api', { children: ['east'], server: 'api-2' })
  await assert.rejects(top.router.call('api!east', refuse, { who: 'you' }), (error: unknown) => {
    assert.ok(NotToday.is(error))
    assert.deepEqual(error.params, { who: 'you' })
    return true
  })
})

test('a broadcast is answered by every cell, each by its path', async () => {
  const { api, far } = await threeCells()
  const down = await api.router.broadcast('down', greet, { who: 'x' }, { runLocally: true })
  assert.deepEqual(
    down.map(({ cell, outcome }) => [cell, 'value' in outcome && outcome.value]),
    [
      ['api', 'x from api'],
      ['api!west', 'x from api!west'],
      ['api!west!far', 'x from api!west!far'],
    ],
  )
  const up = await far.router.broadcast('up', greet, { who: 'y' }, { runLocally: false })
  assert.deepEqual(
    up.map(({ cell }) => cell),
    ['far!west', 'far!west!api'],
  )
})

test('cells that nobody can reach: unknown ones, and ones that are away', async () => {
  const { api } = await threeCells()
  await assert.rejects(api.router.call('api!east', greet, { who: 'a' }), CellNotFound.is)
  await assert.rejects(api.router.call('west', greet, { who: 'a' }), CellNotFound.is)
  await assert.rejects(api.router.call('api!west!nowhere', greet, { who: 'a' }), (error: unknown) => {
    assert.ok(CellRoutingInconsistency.is(error))
    assert.match(error.message, /west has no child nowhere/)
    return true
  })
  const lonely = await forest.cell('top', { children: ['gone'], callTimeoutMs: 300 })
  await assert.rejects(lonely.router.call('top!gone', greet, { who: 'a' }), (error: unknown) => {
    assert.ok(CellTimeout.is(error))
    assert.match(error.message, /No nova-cells of gone can be reached/)
    return true
  })
  const [answer] = await lonely.router.broadcast('down', greet, { who: 'a' }, { runLocally: false })
  assert.equal(answer?.cell, 'top!gone')
  assert.ok(answer !== undefined && 'fault' in answer.outcome && CellTimeout.is(answer.outcome.fault))
})

test('who asks all cells waits once for one that is away, until it is heard again', async () => {
  await threeCells()
  const top = await forest.cell('api', { children: ['gone', 'west'], server: 'api-2', callTimeoutMs: 4_000 })
  const ask = () => top.router.broadcast('down', greet, { who: 'a' }, { runLocally: false })
  const gone = (answers: Awaited<ReturnType<typeof ask>>) => answers.find(({ cell }) => cell === 'api!gone')?.outcome
  assert.equal(top.router.whyAway('gone'), undefined)
  await ask()
  assert.ok(CellTimeout.is(top.router.whyAway('gone')))
  assert.equal(top.router.whyAway('west'), undefined)
  // At once now: a call would not be.
  const later = await ask()
  const outcome = gone(later)
  assert.ok(outcome !== undefined && 'fault' in outcome && CellTimeout.is(outcome.fault))
  assert.equal(later.length, 3)
  const back = await forest.cell('gone', { parent: 'api' })
  back.methods.add(greet, async () => 'back')
  assert.equal((await ask()).length, 3)
  const tried = await top.router.broadcast('down', greet, { who: 'a' }, { runLocally: false, triesAll: true })
  assert.deepEqual(gone(tried), { value: 'back' })
  assert.deepEqual(gone(await ask()), { value: 'back' })
})

test('what waits for a cell that is away is given back when nova-cells stops, to be asked of the next one', async () => {
  const lonely = await forest.cell('top', { children: ['gone'] })
  const asked = lonely.router.call('top!gone', greet, { who: 'a' })
  asked.catch(() => undefined)
  lonely.router.close()
  await assert.rejects(asked, { code: 'CellsStopping', kind: 'transient' })
})

test('a message stops after its most hops', async () => {
  const names = ['a', 'b', 'c', 'd']
  for (const [i, name] of names.entries()) {
    const [parent, child] = [names[i - 1], names[i + 1]]
    const cell = await forest.cell(name, {
      maxHopCount: 3,
      ...(parent === undefined ? {} : { parent }),
      children: child === undefined ? [] : [child],
    })
    cell.methods.add(greet, async ({ who }, { routingPath }) => `${who} from ${routingPath}`)
  }
  const top = await forest.cell('a', { children: ['b'], server: 'a-2', maxHopCount: 3 })
  assert.equal(await top.router.call('a!b!c', greet, { who: 'x' }), 'x from a!b!c')
  await assert.rejects(top.router.call('a!b!c!d', greet, { who: 'x' }), { code: 'CellMaxHopCountReached' })
  const reached = await top.router.broadcast('down', greet, { who: 'x' }, { runLocally: false })
  assert.deepEqual(
    reached.map(({ cell }) => cell),
    ['a!b', 'a!b!c'],
  )
})

test('shapes are checked on both sides', async () => {
  const { api, far } = await threeCells()
  const liar = cellMethod<{ n: number }, number>('liar', { takes: object({ n: integer }), gives: integer })
  far.methods.add(liar, async () => 'no number' as unknown as number)
  await assert.rejects(api.router.call('api!west!far', liar, { n: 1 }), CellMessageMalformed.is)
  await assert.rejects(api.router.call('api!west!far', liar, { n: 'one' as unknown as number }), (error: unknown) => {
    assert.ok(CellMessageMalformed.is(error))
    assert.match(error.message, /arguments of liar.*\/n must be integer/)
    assert.doesNotMatch(error.message, /one/)
    return true
  })
  const unknown = cellMethod<object, null>('unknown', { takes: object({}), gives: { type: 'null' } })
  await assert.rejects(api.router.call('api!west!far', unknown, {}), CellMethodNotFound.is)
  const bad = {
    ...newMessage({
      message_type: 'targeted',
      method_name: 'greet',
      method_kwargs: {},
      direction: 'down',
      need_response: false,
      max_hop_count: 1,
      timeout_ms: 1,
    }),
    version: '2.0',
  }
  await assert.rejects(far.bus.client(contract).processMessage(bad), CellMessageMalformed.is)
})

test('an answer comes to the one of several nova-cells that waits for it', async () => {
  const { api } = await threeCells()
  const others = await Promise.all([2, 3].map(n => forest.cell('api', { children: ['west'], server: `api-${n}` })))
  const all = [api, ...others]
  const answers = await Promise.all(all.map(({ router }, n) => router.call('api!west!far', greet, { who: String(n) })))
  assert.deepEqual(answers, ['0 from api!west!far', '1 from api!west!far', '2 from api!west!far'])
})

test('a lost message is sent again; one that comes twice runs once, and is answered again when it is asked again', async () => {
  let runs = 0
  const count = cellMethod<object, number>('count', { takes: object({}), gives: integer })
  const top = await forest.cell('top', { children: ['below'] })
  const below = await forest.cell('below', { parent: 'top', at: 'inside' })
  below.methods.add(count, async () => ++runs)
  // What comes first is taken and lost, as by a kill; what comes later goes on, twice.
  const arrivals: CellMessage[] = []
  const inside = below.bus.client(contract)
  forest.bus('below').serve(contract, 'gate', {
    processMessage: async message => {
      arrivals.push(message)
      if (arrivals.length > 1) await Promise.all([inside.processMessage(message), inside.processMessage(message)])
      return null
    },
  })
  assert.equal(await top.router.call('top!below', count, {}, { uuid: 'u1' }), 1)
  assert.equal(await top.router.call('top!below', count, {}, { uuid: 'u1' }), 1)
  assert.equal(runs, 1)
  assert.ok(arrivals.length >= 3)
  assert.ok(arrivals.every(({ uuid }) => uuid === 'u1'))
  assert.equal(await top.router.call('top!below', count, {}), 2)
})

test('neighbours are read anew: new ones, moved ones, gone ones', async () => {
  let listed = [neighbour('west')]
  const opened: string[] = []
  const closed: string[] = []
  const clock = new ManualClock()
  const tree = new CellTree({
    ownName: 'api',
    source: { list: async () => listed },
    openBus: url => {
      opened.push(url)
      const bus = forest.bus(url)
      return Object.assign(Object.create(bus) as typeof bus, { close: async () => void closed.push(url) })
    },
    refreshMs: 60_000,
    clock,
    log: silentLog,
  })
  await tree.start()
  listed = [neighbour('west', false, 'moved'), neighbour('east'), neighbour('bad.name'), neighbour('api')]
  clock.advance(60_000)
  await waitFor('the list to be read', () => tree.children.length === 2 || undefined, { deadlineMs: 5_000 })
  assert.deepEqual(
    tree.children.map(({ name }) => name),
    ['west', 'east'],
  )
  assert.deepEqual(opened, ['west', 'moved', 'east'])
  assert.deepEqual(closed, ['west'])
  await tree.close()
  assert.deepEqual(closed, ['west', 'moved', 'east'])
})
