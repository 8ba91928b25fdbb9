import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { resources } from '#api'
import { type Described, describe as described } from '#api/kit'
import { waitFor } from '#base'
import type { Person } from '../api/harness.ts'
import { routeOf } from './reference.ts'
import { bodyOf } from './samples/bodies.ts'
import { newestSample } from './samples/newest.ts'
import { pathOf, type Scene, sceneFor } from './samples/scene.ts'
import { openWorld, type World } from './samples/world.ts'

/**
 * Who may call what, with the policy as shipped: every operation, at its newest microversion, asked by each kind of caller
 * about a thing of the administrator's project, in which reader, member and manager have those roles. The golden table
 * holds the statuses; GOLDEN=write writes it anew, to be read in review.
 */
const goldenFile = join(import.meta.dirname, 'authorisation.golden.json')
type Statuses = Readonly<Record<string, number>>
const golden: Readonly<Record<string, Statuses>> = JSON.parse(readFileSync(goldenFile, 'utf8'))
const isWriting = process.env['GOLDEN'] === 'write'

/** There is no Manila in these clouds, so nobody finds a share, whatever his rights. */
const nothingToFind: ReadonlySet<string> = new Set(['GET /servers/{}/shares/{}'])

const operations = described(resources)
const nameOf = (operation: Described): string => routeOf(operation)

const tableText = (table: Readonly<Record<string, Statuses>>): string =>
  `{\n${Object.entries(table)
    .map(([name, statuses]) => `  ${JSON.stringify(name)}: ${JSON.stringify(statuses)}`)
    .join(',\n')}\n}\n`

describe('authorisation', { concurrency: false }, () => {
  let world: World
  let callers: readonly (readonly [string, Person])[]
  const found: Record<string, Statuses> = {}
  before(async () => {
    world = await openWorld()
    const { cloud, project } = world
    // Those who may do the least first: what somebody has done is not undone for the next.
    callers = [
      ['no token', { token: '', userId: '', projectId: project }],
      ['stranger', cloud.stranger],
      ['reader', await cloud.add('a reader', 'reader', project)],
      ['member', await cloud.add('a member', 'member', project)],
      ['manager', await cloud.add('a manager', 'manager', project)],
      ['service', await cloud.add('a service', 'service')],
      ['admin', cloud.admin],
    ]
  })
  after(async () => {
    await world.close()
    if (isWriting) writeFileSync(goldenFile, tableText(found))
  })

  /** What one caller has started is done before the next one asks. */
  async function atRest({ ids }: Scene, action: string | undefined): Promise<void> {
    const id = ids['servers'] ?? ids['os-volumes_boot']
    if (id === undefined) return
    const isIdle = async () => {
      const { status, body } = await world.ask('GET', `/servers/${id}`)
      if (status === 404) return true
      const { status: shown, 'OS-EXT-STS:task_state': task } = body.server
      // A confirmation is no task.
      return task === null && !(action === 'confirmResize' && shown === 'VERIFY_RESIZE') ? true : undefined
    }
    await waitFor('the server to be idle', isIdle, { deadlineMs: 60_000, everyMs: 5 })
  }

  async function statusesOf(operation: Described): Promise<Statuses> {
    const sample = newestSample(operation)
    const [, version = '2.1'] = operation.versions.at(-1) ?? []
    const isGone = operation.policy === null && Object.values(operation.faultsAt(1)).includes(410)
    const scene: Scene = isGone ? { ids: {} } : await sceneFor(world, { ...sample, microversion: version })
    const path = isGone ? sample.path.replaceAll(/\{[^}]*\}/g, '1') : pathOf(sample, scene)
    const hasBody = sample.method === 'POST' || sample.method === 'PUT'
    const statuses: Record<string, number> = {}
    try {
      for (const [who, as] of callers) {
        const body = hasBody ? { body: await bodyOf(world, sample, scene) } : {}
        const { status } = await world.ask(sample.method, path, { version, as, ...body })
        statuses[who] = status
        if (status < 300 && sample.method !== 'GET') await atRest(scene, sample.action)
      }
    } finally {
      await scene.after?.(undefined)
      await world.tidy()
    }
    return statuses
  }

  for (const operation of operations) {
    const name = nameOf(operation)
    test(`who may ${name}`, async () => {
      found[name] = await statusesOf(operation)
      if (!isWriting) assert.deepEqual(found[name], golden[name])
    })
  }

  test('the golden table has no other operations', () => {
    if (isWriting) return
    assert.deepEqual(Object.keys(golden).sort(), operations.map(nameOf).sort())
  })

  test('nobody without a token gets in, and every rule makes a difference', () => {
    const table = isWriting ? found : golden
    for (const operation of operations) {
      const statuses = table[nameOf(operation)] ?? {}
      assert.equal(statuses['no token'], 401, nameOf(operation))
      const { policy } = operation
      if (policy === null || nothingToFind.has(nameOf(operation))) continue
      const differ = new Set(
        Object.entries(statuses)
          .filter(([who]) => who !== 'no token')
          .map(([, status]) => status),
      )
      assert.ok(
        differ.size > 1 || [...differ].every(status => status < 400),
        `${nameOf(operation)}: all get ${[...differ].join()}`,
      )
    }
  })
})
