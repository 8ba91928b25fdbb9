import { fromJson } from '#base'
import type { FakeCloud } from './fake-cloud.ts'
import { distribution, figure, median, type Row } from './figures.ts'
import { cpuMsOf, residentMiBOf } from './process-figures.ts'
import { flood } from './reads.ts'
import { inParallel, type Servers } from './servers.ts'

const group = 'lists'
const pages = [100, 1000]
/** Boots at a time beside a list, each taken away when it is ACTIVE. */
const loaders = 5
const settleMs = 2000

interface Walk {
  readonly tookMs: number
  readonly cpuMs: number
  readonly requests: number
  readonly rows: number
}

/** All servers in detail, page by page. */
async function walk({ client, plane }: FakeCloud, limit: number): Promise<Walk> {
  const [startedAt, cpuBefore] = [performance.now(), cpuMsOf(plane.pid)]
  let [requests, rows] = [0, 0]
  for (let marker = ''; ; requests++) {
    const text = await client.text('compute', 'GET', `/servers/detail?limit=${limit}${marker}`)
    const { servers } = fromJson<{ servers: { id: string }[] }>(text)
    rows += servers.length
    const last = servers.at(-1)
    if (last === undefined || servers.length < limit) break
    marker = `&marker=${last.id}`
  }
  return { tookMs: performance.now() - startedAt, cpuMs: cpuMsOf(plane.pid) - cpuBefore, requests: requests + 1, rows }
}

async function walks(cloud: FakeCloud, limit: number, rounds: number): Promise<Walk[]> {
  const found: Walk[] = []
  await walk(cloud, limit)
  for (let i = 0; i < rounds; i++) found.push(await walk(cloud, limit))
  return found
}

/** While servers come and go. */
async function underLoad<T>(servers: Servers, work: () => Promise<T>): Promise<{ result: T; pairsPerSecond: number }> {
  let [isOver, pairs] = [false, 0]
  const startedAt = performance.now()
  const load = async () => {
    for (; !isOver; pairs++) await servers.remove((await servers.boot()).id)
  }
  const loads = Promise.all(Array.from({ length: loaders }, load))
  try {
    // A load that breaks ends the measurement.
    const result = await Promise.race([work(), loads.then(() => Promise.reject(new Error('the load ended')))])
    return { result, pairsPerSecond: pairs / ((performance.now() - startedAt) / 1000) }
  } finally {
    isOver = true
    await loads
  }
}

async function measurePages(cloud: FakeCloud, size: number, limit: number, rounds: number): Promise<Row[]> {
  const idle = await walks(cloud, limit, rounds)
  const { result: busy, pairsPerSecond } = await underLoad(cloud.servers, () => walks(cloud, limit, rounds))
  const what = `all of ${size} servers in pages of ${limit}`
  const took = (found: readonly Walk[]) => found.map(w => w.tookMs)
  const sum = (of: (w: Walk) => number) => idle.reduce((total, w) => total + of(w), 0)
  // Of all rounds together: the system counts CPU time in steps of 10 ms.
  const cpuMs = sum(w => w.cpuMs)
  return [
    distribution({ group, what, unit: 'ms' }, took(idle)),
    figure({ group, what: '  CPU per 1,000 servers', unit: 'ms' }, (cpuMs / sum(w => w.rows)) * 1000),
    figure({ group, what: '  CPU per request', unit: 'ms' }, cpuMs / sum(w => w.requests)),
    distribution({ group, what: `${what}, beside boots`, unit: 'ms' }, took(busy)),
    figure({ group, what: '  as a multiple of the time without', unit: 'x' }, median(took(busy)) / median(took(idle))),
    figure({ group, what: '  boots and deletes beside it', unit: '/s' }, pairsPerSecond),
  ]
}

/** Requests per second, and what each takes of the server's CPU. */
async function measureFlood(cloud: FakeCloud, what: string, path: string, seconds: number): Promise<Row[]> {
  const { client, plane } = cloud
  const [startedAt, cpuBefore] = [performance.now(), cpuMsOf(plane.pid)]
  const row = await flood(client, what, path, seconds)
  const requests = row.p50 * Math.round((performance.now() - startedAt) / 1000)
  return [
    { ...row, group },
    figure({ group, what: '  CPU per request', unit: 'ms' }, (cpuMsOf(plane.pid) - cpuBefore) / requests),
  ]
}

async function measureCreates({ servers, plane }: FakeCloud): Promise<Row> {
  const count = 100
  const cpuBefore = cpuMsOf(plane.pid)
  const made = await inParallel(10, count, () => servers.boot())
  const cpuMs = (cpuMsOf(plane.pid) - cpuBefore) / count
  await inParallel(10, count, n => servers.remove(made[n]?.id ?? ''))
  return figure({ group, what: 'CPU per POST /servers with the boot', unit: 'ms' }, cpuMs)
}

/** Long lists, alone and beside boots, and what the process keeps in memory for so many servers. */
export async function measureLists(cloud: FakeCloud, isQuick: boolean): Promise<Row[]> {
  const { servers, plane, client } = cloud
  const rows: Row[] = []
  const ids: string[] = []
  for (const size of isQuick ? [100, 1000] : [100, 1000, 10_000]) {
    ids.push(...(await inParallel(20, size - ids.length, async () => (await servers.boot()).id)))
    await new Promise(resolve => setTimeout(resolve, settleMs))
    rows.push(figure({ group, what: `resident memory with ${size} servers`, unit: 'MiB' }, residentMiBOf(plane.pid)))
    const rounds = size > 1000 || isQuick ? 5 : 20
    for (const limit of pages.filter(limit => limit <= size))
      rows.push(...(await measurePages(cloud, size, limit, rounds)))
  }
  const seconds = isQuick ? 2 : 5
  const { flavors } = await client.call<{ flavors: { id: string }[] }>('compute', 'GET', '/flavors')
  rows.push(
    ...(await measureFlood(cloud, 'GET one server', `/servers/${ids[0]}`, seconds)),
    ...(await measureFlood(cloud, 'GET one flavor', `/flavors/${flavors[0]?.id}`, seconds)),
    ...(await measureFlood(cloud, 'GET /servers/detail?limit=100', '/servers/detail?limit=100', seconds)),
    await measureCreates(cloud),
  )
  return rows
}
