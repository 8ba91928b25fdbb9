import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as fc from 'fast-check'
import { waitFor } from '#base'
import { type ApiCloud, type Json, newest, type Person, startCloud } from '../api/harness.ts'
import { moves, usedBy } from './fuzz/mixture.ts'
import { differences, Traces } from './fuzz/traces.ts'

/**
 * Two users of one project do fifty things at once with a few servers, again and again: no 500, no quota passed, and
 * nothing left when everything has been deleted. SEED and ROUNDS vary it.
 */
const seed = Number(process.env['SEED'] ?? 4711)
const rounds = Number(process.env['ROUNDS'] ?? 4)
const crowd = 50
const limits = { instances: 6, cores: 9, ram: 1200 } as const
const patience = { deadlineMs: 60_000, everyMs: 20 } as const

/** What stays for the record. */
const history =
  /^[+-] (?:nova\.(?:instances|instance_\w+|request_specs|migrations|block_device_mappings|sagas|quotas|console_auth_tokens|task_log|scheduling_\w+)|image\.\w+|identity\.\w+|placement\.(?:placement_state|resource_providers)) /

describe(`a crowd, SEED=${seed}`, { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-crowd-'))
  let cloud: ApiCloud
  let traces: Traces
  let users: readonly Person[]
  let flavors: string[]
  const volumes: string[] = []
  let accepted = 0
  before(async () => {
    cloud = await startCloud({ databases: folder, hosts: ['one', 'two'], quotas: { ...limits } })
    traces = new Traces(folder)
    users = [cloud.member, await cloud.add('another member', 'member', cloud.member.projectId)]
    flavors = [
      await cloud.newFlavor({ name: 'larger', ram: 256, vcpus: 2 }),
      await cloud.newFlavor({ name: 'more', ram: 200 }),
    ]
    await cloud.neutron('GET', '/security-groups')
    await cloud.request('GET', '/limits')
  })
  after(async () => {
    traces.close()
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const list = async (): Promise<Json[]> =>
    (await cloud.request('GET', '/servers/detail', { version: newest })).expect(200).body.servers

  async function settled(): Promise<void> {
    const isIdle = async () => {
      const servers = await list()
      const stored = await cloud.deps.volumes.list('service')
      const isMoving = stored.some(({ status }) => status.endsWith('ing'))
      return !isMoving && servers.every(server => server['OS-EXT-STS:task_state'] === null) ? true : undefined
    }
    await waitFor('servers and volumes to be at rest', isIdle, patience)
  }

  async function round(nth: number): Promise<void> {
    const known = (await list()).map(({ id }) => String(id))
    const choices = fc.sample(
      fc.tuple(fc.constantFrom(...moves(flavors, i => volumes[i % volumes.length] ?? '')), fc.nat(), fc.nat()),
      { seed: seed + nth, numRuns: crowd },
    )
    const answers = choices.map(async ([move, a, b], i) => {
      const server = known[a % Math.max(known.length, 1)] ?? 'none'
      const path = move.path(server, volumes[b % volumes.length] ?? 'none')
      const as = users[i % users.length] ?? cloud.member
      const body = move.body === undefined ? {} : { body: move.body(cloud, b) }
      const answer = await cloud.request(move.method, path, { version: newest, as, ...body })
      if (answer.status < 300 && move.method !== 'GET') accepted++
      assert.ok(answer.status < 500, `SEED=${seed} ${move.name} ${path}: ${answer.status} ${answer.text}`)
    })
    await Promise.all(answers)
    await settled()
    const used = await usedBy(cloud, cloud.member)
    for (const [name, limit] of Object.entries(limits)) {
      const now = used[name as keyof typeof limits]
      assert.ok(now <= limit, `SEED=${seed} ${name}: ${now} of ${limit}`)
    }
  }

  async function deleteAll(): Promise<void> {
    const isGone = async () => {
      const servers = await list()
      for (const { id } of servers) {
        await cloud.request('POST', `/servers/${id}/action`, {
          version: newest,
          as: cloud.admin,
          body: { unlock: null },
        })
        await cloud.request('DELETE', `/servers/${id}`, { as: cloud.admin })
      }
      return servers.length === 0 ? true : undefined
    }
    await waitFor('the servers to be gone', isGone, patience)
    await settled()
    for (const id of volumes.splice(0)) await cloud.cinder('DELETE', `/volumes/${id}`)
    await waitFor(
      'the volumes to be gone',
      async () => ((await cloud.deps.volumes.list('service')).length === 0 ? true : undefined),
      patience,
    )
  }

  test('no 500, no quota passed, nothing left', async () => {
    const before = traces.now()
    for (let i = 0; i < 3; i++) volumes.push(await cloud.newVolume())
    for (let i = 0; i < 3; i++) await cloud.bootServer({ name: `first ${i}` })
    for (let nth = 0; nth < rounds; nth++) await round(nth)
    assert.ok(accepted >= 4 * rounds, `only ${accepted} changes were accepted`)
    await deleteAll()
    const left = async () => {
      const found = differences(before, traces.now()).filter(line => !history.test(line))
      return found.length === 0 ? true : undefined
    }
    await waitFor('nothing to be left', left, { deadlineMs: 60_000, everyMs: 50 }).catch(() => undefined)
    assert.deepEqual(
      differences(before, traces.now()).filter(line => !history.test(line)),
      [],
      `SEED=${seed}`,
    )
    for (const [host, driver] of cloud.drivers) assert.deepEqual(await driver.list(), [], `guests on ${host}`)
    assert.deepEqual(await usedBy(cloud, cloud.member), { instances: 0, cores: 0, ram: 0 })
  })
})
