import { benchScheduler } from '#scheduler'
import { figure, type Row } from './figures.ts'

/** Of one core that does nothing else. */
const rate = (hosts: number, cpuMs: number): Row => {
  const row = { group: 'scheduler', what: `  decisions among ${hosts} hosts`, unit: '/s' }
  return figure(hosts === 1000 ? { ...row, aim: { atLeast: 2000 } } : row, 1000 / cpuMs)
}

/** The pure part of a scheduling decision. */
export const measureScheduler = (isQuick: boolean): Row[] =>
  benchScheduler({ rounds: isQuick ? 60 : 300, print: () => undefined }).flatMap(report => {
    const { hosts, p50Ms, p99Ms, cpuMeanMs, aimMs } = report
    const named = { group: 'scheduler', unit: 'ms' }
    return [
      {
        ...named,
        what: `one decision among ${hosts} hosts (second column: p99)`,
        p50: p50Ms,
        p95: p99Ms,
        ...(aimMs === null ? {} : { aim: { text: `p99 < ${aimMs} ms`, isMet: p99Ms < aimMs } }),
      },
      { ...named, what: '  its CPU', p50: cpuMeanMs },
      rate(hosts, cpuMeanMs),
    ]
  })
