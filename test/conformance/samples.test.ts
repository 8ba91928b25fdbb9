import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Answer } from '../api/answer.ts'
import { compiled, routeOf, type Sample, samples, versionOf } from './reference.ts'
import { bodyOf } from './samples/bodies.ts'
import { unlike } from './samples/likeness.ts'
import { pathOf, routeKey, type Scene, sceneFor } from './samples/scene.ts'
import { openWorld, type World } from './samples/world.ts'

/**
 * Every document of Nova's API samples, at its microversion, against a running cloud of simulated hosts: the request is
 * answered with the sample's status, and the answer has the sample's keys and types at every level. Samples that Nova itself
 * would not answer so are listed in samples.golden.json, each with its reason; GOLDEN=write adds those that fail now.
 */
const goldenFile = join(import.meta.dirname, 'samples.golden.json')
const excused = JSON.parse(readFileSync(goldenFile, 'utf8')) as Record<string, string>

const folderOf = ({ file }: Sample): string => file.slice(0, file.lastIndexOf('/'))
const wordsOf = ({ file }: Sample): string[] =>
  file
    .slice(file.lastIndexOf('/') + 1)
    .replace('.json', '')
    .split('-')

/** The reply beside a request: of the same route in the same folder, the one whose name has the most words in common. */
function replyTo(request: Sample): Sample | undefined {
  const words = new Set(wordsOf(request))
  const shared = (other: Sample) => wordsOf(other).filter(word => words.has(word)).length - wordsOf(other).length / 100
  const beside = samples.filter(
    other =>
      other.kind === 'response' && folderOf(other) === folderOf(request) && routeKey(other) === routeKey(request),
  )
  const [best] = beside.sort((a, b) => shared(b) - shared(a))
  return best
}

interface Replay {
  /** What gives method, path, microversion and body. */
  readonly sample: Sample
  readonly reply: Sample | undefined
}

const hasBody = ({ method }: Sample): boolean => method === 'POST' || method === 'PUT'
const requests = samples.filter(sample => sample.kind === 'request')
const answered = new Set<Sample | undefined>()
const replays: Replay[] = requests.map(sample => {
  const reply = replyTo(sample)
  answered.add(reply)
  return { sample, reply }
})
for (const reply of samples) {
  if (reply.kind === 'response' && !answered.has(reply)) replays.push({ sample: reply, reply })
}

/** 410 and 404 are what is left of a route that Nova has removed. */
const gone = new Set([404, 410])

const declaredStatus = (sample: Sample): number | undefined =>
  compiled.get(routeOf(sample))?.at(versionOf(sample.microversion)).status

async function replay(world: World, { sample, reply }: Replay): Promise<string[]> {
  const scene: Scene = sample.removed === true ? { ids: {} } : await sceneFor(world, sample)
  const path = sample.removed === true ? sample.path.replaceAll(/\{[^}]*\}/g, '1') : pathOf(sample, scene)
  const isRequest = sample.kind === 'request'
  let answer: Answer | undefined
  try {
    answer = await world.ask(sample.method, path, {
      version: sample.microversion,
      as: scene.isPlainUser === true ? world.plainUser : world.cloud.admin,
      ...(isRequest
        ? { body: await bodyOf(world, sample, scene) }
        : hasBody(sample)
          ? { body: scene.body ?? null }
          : {}),
    })
    if (sample.removed === true) return gone.has(answer.status) ? [] : [`status ${answer.status}, not 404 or 410`]
    const expected = sample.status ?? reply?.status ?? declaredStatus(sample)
    if (answer.status !== expected) return [`status ${answer.status}, not ${expected}: ${answer.text.slice(0, 300)}`]
    return reply === undefined || answer.status >= 400
      ? []
      : unlike(reply.document, answer.body, '', scene.isMap === true ? 1 : 0)
  } finally {
    await scene.after?.(answer)
    await world.tidy()
  }
}

describe('the API samples', { concurrency: false }, () => {
  let world: World
  const failed: Record<string, string> = {}
  let passed = 0
  before(async () => {
    world = await openWorld()
  })
  after(async () => {
    await world.close()
    if (process.env['GOLDEN'] === 'write') {
      const all = Object.fromEntries(Object.entries({ ...failed, ...excused }).sort(([a], [b]) => (a < b ? -1 : 1)))
      writeFileSync(goldenFile, `${JSON.stringify(all, undefined, 2)}\n`)
    }
    console.log(`${passed} of ${replays.length} sample exchanges passed, ${Object.keys(excused).length} excused`)
  })

  const wanted = process.env['SAMPLES']
  for (const one of replays) {
    const { sample } = one
    if (wanted !== undefined && !`${routeKey(sample)} ${sample.file}`.includes(wanted)) continue
    test(`${routeKey(sample)} at ${sample.microversion} (${sample.file})`, async () => {
      const differences = await replay(world, one)
      if (differences.length === 0) passed++
      else failed[sample.file] = differences.join('; ')
      if (excused[sample.file] !== undefined) {
        assert.notDeepEqual(differences, [], 'it passes: take it off the list of excuses')
        return
      }
      assert.deepEqual(differences, [])
    })
  }

  test('every sample is of a route that is declared', () => {
    const unknown = samples.filter(sample => !compiled.has(routeOf(sample)) && sample.removed !== true)
    assert.deepEqual([...new Set(unknown.map(routeKey))], [])
  })
})
