import autocannon from 'autocannon'
import type { Client } from './client.ts'
import type { FakeCloud } from './fake-cloud.ts'
import { distribution, figure, type Row } from './figures.ts'
import { cpuMsOf, residentMiBOf } from './process-figures.ts'
import { inParallel } from './servers.ts'

const group = 'reads'
const serverCount = 1000
const listAimMs = 60
const memoryAimMiB = 250
/** After this nothing of the boots is left to do. */
const settleMs = 3000

interface Read {
  readonly what: string
  readonly path: string
  readonly rounds: number
  readonly aimMs?: number
}

/** One after the other over one connection: what one user waits. */
async function oneByOne(client: Client, pid: number, read: Read): Promise<Row[]> {
  for (let i = 0; i < Math.max(5, read.rounds / 4); i++) await client.text('compute', 'GET', read.path)
  const took: number[] = []
  const cpuBefore = cpuMsOf(pid)
  for (let i = 0; i < read.rounds; i++) {
    const startedAt = performance.now()
    await client.text('compute', 'GET', read.path)
    took.push(performance.now() - startedAt)
  }
  const cpuMs = (cpuMsOf(pid) - cpuBefore) / read.rounds
  const named = { group, what: read.what, unit: 'ms' }
  return [
    distribution(read.aimMs === undefined ? named : { ...named, aim: { below: read.aimMs, of: 'p50' } }, took),
    figure({ group, what: `  its CPU`, unit: 'ms' }, cpuMs),
  ]
}

export async function flood(client: Client, what: string, path: string, seconds: number): Promise<Row> {
  const url = client.urlOf('compute', path)
  const result = await autocannon({ url, connections: 10, duration: seconds, headers: client.headers })
  if (result.non2xx + result.errors > 0) throw new Error(`${path}: ${result.non2xx} refused, ${result.errors} errors`)
  return figure({ group, what: `${what}, 10 connections`, unit: '/s' }, result.requests.average)
}

/** Lists and single reads beside 1,000 servers, and what the process keeps in memory for them. */
export async function measureReads({ plane, client, servers }: FakeCloud, isQuick: boolean): Promise<Row[]> {
  const ids = await inParallel(20, serverCount, () => servers.post())
  for (const id of ids) await servers.active(id)
  await new Promise(resolve => setTimeout(resolve, settleMs))
  const memory = residentMiBOf(plane.pid)
  const rounds = isQuick ? 20 : 100
  const all = `GET /servers/detail, ${serverCount} servers`
  const rows = [
    ...(await oneByOne(client, plane.pid, { what: all, path: '/servers/detail', rounds, aimMs: listAimMs })),
    ...(await oneByOne(client, plane.pid, {
      what: 'GET /servers/detail?limit=100',
      path: '/servers/detail?limit=100',
      rounds: rounds * 4,
    })),
    ...(await oneByOne(client, plane.pid, { what: 'GET one server', path: `/servers/${ids[0]}`, rounds: rounds * 10 })),
  ]
  const seconds = isQuick ? 2 : 8
  rows.push(
    await flood(client, 'GET /flavors/detail', '/flavors/detail', seconds),
    await flood(client, 'GET one extension (no SQL)', '/extensions/os-keypairs', seconds),
    figure(
      {
        group,
        what: `resident memory with ${serverCount} servers`,
        unit: 'MiB',
        aim: { below: memoryAimMiB, of: 'p50' },
      },
      memory,
    ),
    figure({ group, what: '  after all these requests', unit: 'MiB' }, residentMiBOf(plane.pid)),
  )
  return rows
}
