import { distribution, figure, type Row } from './figures.ts'
import { cpuMsOf } from './process-figures.ts'
import { inParallel, type Servers } from './servers.ts'

const group = 'boots'

/** Latency that is promised with 50 at a time, and the pairs per second of one core. */
const bootAimMs = 150
const pairsAim = 150

const loads = [
  { workers: 1, count: 60 },
  { workers: 10, count: 200 },
  { workers: 50, count: 500 },
] as const

/** Boots alone, then boots with their deletes, at three loads. */
export async function measureBoots(servers: Servers, pid: number, isQuick: boolean): Promise<Row[]> {
  const rows: Row[] = []
  // The first boots run uncompiled code.
  await pairs(servers, 10, isQuick ? 50 : 200)
  for (const { workers, count } of loads) {
    const number = isQuick ? Math.ceil(count / 4) : count
    rows.push(...(await boots(servers, pid, workers, number)), ...(await timedPairs(servers, pid, workers, number)))
  }
  return rows
}

async function boots(servers: Servers, pid: number, workers: number, count: number): Promise<Row[]> {
  const startedAt = performance.now()
  const cpuBefore = cpuMsOf(pid)
  const made = await inParallel(workers, count, () => servers.boot())
  const cpuMs = cpuMsOf(pid) - cpuBefore
  const seconds = (performance.now() - startedAt) / 1000
  await inParallel(10, count, n => servers.remove(made[n]?.id ?? ''))
  const at = `${workers} at a time`
  const latency = { group, what: `POST /servers to ACTIVE, ${at}`, unit: 'ms' }
  return [
    distribution(
      workers === 50 ? { ...latency, aim: { below: bootAimMs, of: 'p95' } } : latency,
      made.map(m => m.tookMs),
    ),
    figure({ group, what: `boots, ${at}`, unit: '/s' }, count / seconds),
    figure({ group, what: `CPU of the server per boot, ${at}`, unit: 'ms' }, cpuMs / count),
  ]
}

const pairs = (servers: Servers, workers: number, count: number) =>
  inParallel(workers, count, async () => servers.remove((await servers.boot()).id))

async function timedPairs(servers: Servers, pid: number, workers: number, count: number): Promise<Row[]> {
  const startedAt = performance.now()
  const cpuBefore = cpuMsOf(pid)
  await pairs(servers, workers, count)
  const cpuMs = cpuMsOf(pid) - cpuBefore
  const seconds = (performance.now() - startedAt) / 1000
  const at = `${workers} at a time`
  const rate = { group, what: `boot and delete pairs, ${at}`, unit: '/s' }
  return [
    figure(workers === 50 ? { ...rate, aim: { atLeast: pairsAim } } : rate, count / seconds),
    figure({ group, what: `CPU of the server per pair, ${at}`, unit: 'ms' }, cpuMs / count),
  ]
}
