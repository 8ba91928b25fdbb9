import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { pino } from 'pino'
import { resources } from '#api'
import { type Described, describe as described } from '#api/kit'
import { waitFor } from '#base'
import type { Answer } from '../api/answer.ts'
import type { Person } from '../api/harness.ts'
import { plansOf, requestOf, type Subject } from './fuzz/requests.ts'
import { Targets } from './fuzz/targets.ts'
import { differences, type Rows, Traces } from './fuzz/traces.ts'
import { type Sent, Wire } from './fuzz/wire.ts'
import { compiled, routeOf, schemas } from './reference.ts'
import { bodyOf } from './samples/bodies.ts'
import { newestSample } from './samples/newest.ts'
import { openWorld, type World } from './samples/world.ts'

/**
 * Whatever is sent: an answer, never a 500, errors in Nova's form that the operation lists, and a request that was refused
 * has changed no table of any service. SEED and RUNS (requests per operation) vary it, ONLY names routes.
 */
const seed = Number(process.env['SEED'] ?? 4711)
const runs = Number(process.env['RUNS'] ?? 12)
const only = new RegExp(process.env['ONLY'] ?? '')

const hash = (text: string): number => [...text].reduce((sum, c) => (sum * 31 + (c.codePointAt(0) ?? 0)) | 0, 7)

const told = ({ method, path, headers, body }: Sent): string =>
  `SEED=${seed} ${method} ${path.slice(0, 600)} ${JSON.stringify({ ...headers, 'x-auth-token': undefined }).slice(0, 300)} ${String(body ?? '').slice(0, 900)}`

/** Nova's faults, Keystone's 401, and what WebOb says in front of Nova. */
function hasErrorForm({ status, text, body }: Answer): boolean {
  if (typeof body !== 'object' || body === null) return text.includes(String(status))
  const [inner] = Object.values<{ code?: unknown; message?: unknown }>(body)
  const isFault = Object.keys(body).length === 1 && inner?.code === status && typeof inner.message === 'string'
  return isFault || String(body.code).startsWith(String(status))
}

describe(`hostile requests, SEED=${seed}`, { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-fuzz-'))
  const errors: string[] = []
  let world: World
  let wire: Wire
  let traces: Traces
  let targets: Targets
  let people: readonly Person[]
  before(async () => {
    const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
    world = await openWorld({ databases: folder, log })
    const { cloud, project } = world
    wire = new Wire(cloud.url)
    traces = new Traces(folder)
    targets = new Targets(world)
    // Neutron makes the default group of a project when somebody first looks.
    for (const as of [cloud.admin, cloud.stranger]) await cloud.neutron('GET', '/security-groups', undefined, as)
    people = [cloud.admin, await cloud.add('a member', 'member', project), cloud.stranger]
  })
  after(async () => {
    wire.close()
    traces.close()
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function judged(sent: Sent): Promise<Answer> {
    const answer = await wire.send(sent)
    const what = told(sent)
    const isUnknown = answer.status >= 500 && answer.status !== 501 && answer.status !== 503
    assert.ok(!isUnknown, `${what}\n${answer.status} ${answer.text}\n${errors.join('')}`)
    assert.deepEqual(world.cloud.complaints(), [], what)
    if (answer.status >= 400 && sent.method !== 'HEAD')
      assert.ok(hasErrorForm(answer), `${what}\n${answer.status} ${answer.text}`)
    errors.length = 0
    return answer
  }

  async function assertUntouched(before: Rows, what: string): Promise<void> {
    let found = differences(before, traces.now())
    if (found.length === 0) return
    const isSame = async () => {
      found = differences(before, traces.now())
      return found.length === 0 ? true : undefined
    }
    await waitFor('nothing to be left', isSame, { deadlineMs: 60_000, everyMs: 20 }).catch(() => undefined)
    assert.deepEqual(found, [], `${what} was refused and left something`)
  }

  async function subjectOf(operation: Described): Promise<Subject> {
    const route = routeOf(operation)
    const sample = newestSample(operation)
    const hasBody = operation.method === 'POST' || operation.method === 'PUT'
    // Evacuating needs a host that is down, which would be in the way of others.
    if (operation.path === '/servers/{id}/action' && operation.action !== 'evacuate') await targets.prepare(sample)
    await targets.words(sample)
    const good = hasBody ? await bodyOf(world, sample, targets.scene) : undefined
    const endpoint = compiled.get(route)
    assert.ok(endpoint !== undefined)
    return { operation, endpoint, shapes: schemas.get(route), good }
  }

  for (const operation of described(resources)) {
    const route = routeOf(operation)
    if (!only.test(route)) continue
    test(route, async () => {
      const sample = { ...newestSample(operation), path: operation.path }
      const plans = fc.sample(plansOf(await subjectOf(operation)), { seed: seed ^ hash(route), numRuns: runs })
      let words = await targets.words(sample)
      await targets.atRest()
      let calm = traces.now()
      for (const plan of plans) {
        const sent = requestOf(plan, operation, words, people[plan.who] ?? world.cloud.admin)
        const { status } = await judged(sent)
        const isReading = sent.method === 'GET' || sent.method === 'HEAD'
        if (status >= 400 || isReading) await assertUntouched(calm, `${told(sent)} ${status}`)
        else {
          await targets.settle(sent.method)
          words = await targets.words(sample)
          await targets.atRest()
          calm = traces.now()
        }
      }
      if (targets.isUsed) await targets.clear()
    })
  }

  test('bytes that are no HTTP are refused, and the API goes on', async () => {
    const get = 'GET /v2.1/servers HTTP/1.1\r\nHost: a\r\n'
    for (const bytes of [
      'nonsense\r\n\r\n',
      '\u0000\u0001\u0002\r\n\r\n',
      'GET /v2.1/servers\u0000 HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /v2.1/servers HTTP/9.9\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      `${get}X-Auth-Token: \u0000\r\n\r\n`,
      `${get}X-A : b\r\n\r\n`,
      `${get}${'X-A: b\r\n'.repeat(3000)}\r\n`,
      `${get}X-A: ${'b'.repeat(200_000)}\r\n\r\n`,
      `${get}Content-Length: -1\r\n\r\n`,
      `${get}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      `${get}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v2.1/servers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`,
      `POST /v2.1/servers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nzz`,
      'GET /v2.1/\u00ff\u00fe HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET /v2.1/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n',
      'GET //v2.1//servers HTTP/1.1\r\nHost: a\r\n\r\n',
    ]) {
      const text = await wire.raw(Buffer.from(bytes, 'latin1'))
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
      // No answer but a closed connection will do where nothing was understood.
      assert.ok(status < 500, `${JSON.stringify(bytes.slice(0, 200))}: ${text.slice(0, 300)}`)
    }
    ;(await world.ask('GET', '/servers')).expect(200)
  })

  test('nothing is left when what was accepted has been deleted', async () => {
    await targets.clear()
    const isQuiet = async () => (traces.rows('nova.sagas').length === 0 ? true : undefined)
    await waitFor('the sagas to end', isQuiet, { deadlineMs: 60_000, everyMs: 10 })
    const stored = [
      'volume.volume_volumes',
      'volume.volume_attachments',
      'volume.volume_snapshots',
      'placement.allocations',
    ]
    for (const table of stored) assert.deepEqual(traces.rows(table), [], table)
    const { ports } = await world.cloud.neutron('GET', '/ports', undefined, world.cloud.admin)
    assert.deepEqual(
      ports.filter((port: { device_owner: string }) => port.device_owner.startsWith('compute:')),
      [],
    )
    for (const [host, driver] of world.cloud.drivers) assert.deepEqual(await driver.list(), [], `guests on ${host}`)
  })
})
