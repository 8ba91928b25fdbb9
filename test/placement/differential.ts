/**
 * Compares our Placement with Debian's python3-placement (apt-get install --no-install-recommends python3-placement):
 * the same requests to both, at many versions, and random clouds with random candidate queries.
 *
 *     node test/placement/differential.ts [rounds] [seed] [no-walk]
 *
 * Not part of the normal run: it needs the package. Ends with status 1 when an answer differs.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { listen } from '#http'
import { candidateQuery, makeCloud, seedWith, tearDown } from './differential-clouds.ts'
import { walkTheApi } from './differential-walk.ts'
import { type Answer, type Body, traits } from './differential-words.ts'
import { openWorld } from './fixtures.ts'

const rounds = Number(process.argv[2] ?? 5)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
seedWith(seed)
console.log(`seed ${seed}`)

async function startReal(): Promise<{ base: string; stop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'placement-real-'))
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'differential.server.py'), folder], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const port = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = /listening on (\d+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.on('exit', () => reject(new Error('the real placement did not start; is python3-placement installed?')))
  })
  const stop = () => {
    child.removeAllListeners('exit')
    child.kill()
    rmSync(folder, { recursive: true })
  }
  return { base: `http://127.0.0.1:${port}`, stop }
}

async function ask(base: string, method: string, path: string, minor: number, body: Body): Promise<Answer> {
  const response = await fetch(base + path, {
    method,
    headers: {
      'x-auth-token': 'admin',
      'openstack-api-version': `placement 1.${minor}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

/** Lists whose order means nothing are sorted; what differs by nature goes. */
function canonical(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map(item => canonical(item))
    return key === 'links' ? items : items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([name]) => name !== 'request_id' && name !== 'detail')
  return Object.fromEntries(entries.sort().map(([name, item]) => [name, canonical(item, name)]))
}

const real = await startReal()
const world = await openWorld()
const ours = `http://127.0.0.1:${await listen(world.face, { service: 'placement', host: '127.0.0.1', port: 0 })}`
let [asked, differences, crashes] = [0, 0, 0]

async function both(method: string, path: string, minor = 39, body?: Body, extrasAllowed = false): Promise<Answer> {
  const [theirs, mine] = await Promise.all([
    ask(real.base, method, path, minor, body),
    ask(ours, method, path, minor, body),
  ])
  asked++
  const same =
    theirs.status === mine.status &&
    (isDeepStrictEqual(canonical(theirs.body), canonical(mine.body)) ||
      (extrasAllowed && lacking(theirs.body, mine.body).length === 0))
  // A lender that is not a root makes the original look up a summary it never built.
  if (theirs.status === 500) crashes++
  else if (!same) {
    differences++
    console.log(`\n1.${minor} ${method} ${path} ${JSON.stringify(body) ?? ''}`)
    const [less, more] = [lacking(theirs.body, mine.body), lacking(mine.body, theirs.body)]
    if (less.length + more.length > 0) console.log('  missing', less, '\n  extra', more)
    else {
      console.log('  theirs', theirs.status, JSON.stringify(canonical(theirs.body)).slice(0, 3000))
      console.log('  ours  ', mine.status, JSON.stringify(canonical(mine.body)).slice(0, 3000))
    }
  }
  return theirs
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Candidates of one answer that the other has not, as text. */
function lacking(of: unknown, other: unknown): string[] {
  const list = (body: unknown) =>
    isObject(body) && Array.isArray(body['allocation_requests'])
      ? body['allocation_requests'].map(request => JSON.stringify(canonical(request)))
      : []
  const rest = list(other)
  return list(of).filter(request => {
    const at = rest.indexOf(request)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

async function setUp(): Promise<void> {
  for (const name of traits) await both('PUT', `/traits/${name}`)
  await both('PUT', '/resource_classes/CUSTOM_X')
}

try {
  await setUp()
  if (process.argv[4] !== 'no-walk') await walkTheApi(both)
  console.log(`${asked} requests of the API, ${differences} differences`)
  let found = 0
  for (let round = 0; round < rounds; round++) {
    const cloud = await makeCloud(both, round)
    for (let n = 0; n < 60; n++) {
      const [minor, query] = candidateQuery(cloud)
      // The original keeps one anchor only for a spread group that lies wholly on lenders, and so loses combinations.
      const mayLose = cloud.hasLenders && /resources=/.test(query) && /resources\d=/.test(query)
      const { body } = await both('GET', `/allocation_candidates?${query}`, minor, undefined, mayLose)
      found += ((body as { allocation_requests?: unknown[] }).allocation_requests ?? []).length
    }
    await tearDown(both, cloud)
  }
  console.log(`${asked} requests, ${found} candidates, ${differences} differences, ${crashes} crashes of the original`)
} finally {
  real.stop()
  await world.remove()
}
process.exitCode = differences === 0 ? 0 : 1
