import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Fault } from '#base'
import { type Bus, NoServer } from '#bus'
import { Broken, echoContract, echoHandlers } from './echo.ts'

export interface BusUnderTest {
  /** Two ends: with a real transport, of two processes. */
  readonly serving: Bus
  readonly calling: Bus
  /** What is served can be called. */
  ready(): Promise<void>
  close(): Promise<void>
}

export function busContract(how: string, open: () => Promise<BusUnderTest>): void {
  let bus: BusUnderTest
  beforeEach(async () => {
    bus = await open()
  })
  afterEach(() => bus.close())
  const echo = (server?: string) => bus.calling.client(echoContract, server)
  const serve = async (name = 'one', count?: number) => {
    const stop = bus.serving.serve(echoContract, name, echoHandlers(name, count))
    await bus.ready()
    return stop
  }

  test(`${how}: a call is answered, as JSON would have it`, async () => {
    await serve()
    assert.deepEqual(await echo('one').say({ text: 'hällo\nworld ' }), { text: 'hällo\nworld ', by: 'one' })
    assert.equal(await echo().nothing({}), null)
  })

  test(`${how}: names are kept apart, and any of them will do when none is given`, async () => {
    await serve('one')
    await serve('two/with @ odd.name')
    assert.equal((await echo('one').say({ text: '' })).by, 'one')
    assert.equal((await echo('two/with @ odd.name').say({ text: '' })).by, 'two/with @ odd.name')
    assert.ok(['one', 'two/with @ odd.name'].includes((await echo().say({ text: '' })).by))
  })

  test(`${how}: a fault arrives as it was thrown`, async () => {
    await serve()
    await assert.rejects(echo().fail({ how: 'fault' }), error => {
      assert.ok(Broken.is(error))
      const { kind, status, message, params, detail } = error
      assert.deepEqual(
        { kind, status, message, params, detail },
        { kind: 'conflict', status: 418, message: 'The wheel is broken.', params: { what: 'wheel' }, detail: 'rusty' },
      )
      return true
    })
  })

  test(`${how}: a bug of the server is an internal error of the caller`, async () => {
    await serve()
    await assert.rejects(echo().fail({ how: 'error' }), error => {
      assert.ok(error instanceof Fault && error.code === 'InternalError')
      assert.match(error.message, /a bug/)
      assert.match(error.detail ?? '', /TypeError/)
      return true
    })
  })

  test(`${how}: key and request id travel`, async () => {
    await serve()
    const context = { key: 'saga/step', requestId: 'req-1' }
    assert.deepEqual(await echo().context({}, context), context)
    assert.deepEqual(await echo().context({}), {})
  })

  test(`${how}: nobody there is transient, before and after`, async () => {
    const isNobody = (error: unknown) => NoServer.is(error) && error.kind === 'transient'
    await assert.rejects(echo().say({ text: '' }), isNobody)
    await assert.rejects(echo('one').say({ text: '' }), isNobody)
    const stop = await serve('one')
    await assert.rejects(echo('two').say({ text: '' }), isNobody)
    assert.equal((await echo('one').say({ text: '' })).by, 'one')
    stop()
    await assert.rejects(echo('one').say({ text: '' }), isNobody)
    await serve('one')
    assert.equal((await echo('one').say({ text: '' })).by, 'one')
  })

  test(`${how}: many calls are in flight at once and are answered in any order`, async () => {
    await serve('one', 500)
    const calls = Array.from({ length: 500 }, (_, n) => echo('one').slow({ n }))
    assert.deepEqual(
      (await Promise.all(calls)).map(r => r.n),
      calls.map((_, n) => n),
    )
  })

  test(`${how}: stopping lets running calls answer`, async () => {
    const stop = await serve('one', 2)
    const first = echo('one').slow({ n: 1 })
    const second = echo('one').slow({ n: 2 })
    assert.deepEqual(await Promise.all([first, second]), [{ n: 1 }, { n: 2 }])
    stop()
    await assert.rejects(echo('one').slow({ n: 3 }), NoServer.is)
  })

  test(`${how}: large messages of many callers get through`, async () => {
    await serve()
    const bytes = 3_000_000
    const replies = await Promise.all(Array.from({ length: 12 }, () => echo().big({ bytes })))
    assert.ok(replies.every(r => r.text.length === (bytes / 3) * 2))
  })
}
