import type { FakeCloud } from './fake-cloud.ts'
import { figure, type Row } from './figures.ts'
import { cpuMsOf } from './process-figures.ts'
import { inParallel } from './servers.ts'

const group = 'scheduler'
export const hostCount = 1000

/** Whole boots, while every host tells that it is there and what it has. */
export async function measureAmongManyHosts({ servers, plane }: FakeCloud, isQuick: boolean): Promise<Row[]> {
  const count = isQuick ? 50 : 200
  const workers = 10
  await inParallel(workers, 30, async () => servers.remove((await servers.boot()).id))
  const [startedAt, cpuBefore] = [performance.now(), cpuMsOf(plane.pid)]
  const made = await inParallel(workers, count, () => servers.boot())
  const [seconds, cpuMs] = [(performance.now() - startedAt) / 1000, cpuMsOf(plane.pid) - cpuBefore]
  await inParallel(workers, count, n => servers.remove(made[n]?.id ?? ''))
  const what = `boots while ${hostCount} hosts report, ${workers} at a time`
  return [
    figure({ group, what, unit: '/s' }, count / seconds),
    figure({ group, what: '  CPU of the server per boot', unit: 'ms' }, cpuMs / count),
  ]
}
