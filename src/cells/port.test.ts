import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cellsContract, type FarRequest, InProcessBus } from '#bus'
import type { Creator } from '#model'
import { farCellsOver } from './port.ts'

const ask = { method: 'POST', path: '/servers', caller: {} as Creator, requestId: 'req-1' } as const

test('a nova-cells that is not there yet is waited for; every attempt asks the very same', async () => {
  const bus = new InProcessBus()
  const far = farCellsOver(bus)
  const asked: FarRequest[] = []
  const answer = far.request('api!west', { ...ask, body: { server: { name: 'a' } } })
  const handlers = {
    request: async ({ request }: { request: FarRequest }) => {
      asked.push(request)
      return { status: 202, headers: {}, body: null }
    },
  }
  const stop = bus.serve(cellsContract, 'one', handlers as never)
  assert.equal((await answer).status, 202)
  stop()
  const [first] = asked
  assert.ok(first !== undefined)
  assert.match(first.id, /^[0-9a-f-]{36}$/)
  const { server } = first.body as { server: { name: string; adminPass: string } }
  assert.equal(server.adminPass.length, 12)
})

test('passwords are added only where Nova would make one', async () => {
  const bus = new InProcessBus()
  const bodies: unknown[] = []
  const handlers = {
    request: async ({ request }: { request: FarRequest }) => {
      bodies.push(request.body)
      return { status: 202, headers: {}, body: null }
    },
  }
  bus.serve(cellsContract, 'one', handlers as never)
  const far = farCellsOver(bus)
  const given = { server: { adminPass: 'mine' } }
  for (const body of [given, { 'os-stop': null }, { server: 'no object' }, { rescue: null }])
    await far.request('api!west', { ...ask, body })
  assert.deepEqual(bodies.slice(0, 3), [given, { 'os-stop': null }, { server: 'no object' }])
  assert.match((bodies[3] as { rescue: { adminPass: string } }).rescue.adminPass, /^[\w-]{12}$/)
})
