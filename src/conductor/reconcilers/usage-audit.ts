import { completedPeriod } from '#model'
import type { ConductorDeps } from '../deps.ts'

/**
 * Once per period and host: which servers it ran in it. Counting is one read, so a run that is recorded is done; two
 * conductors at once record one.
 */
export async function auditUsage({ store, clock, log }: ConductorDeps, unit: string): Promise<void> {
  const period = completedPeriod(unit, clock.now())
  const done = new Set((await store.taskLog.runs(period)).map(run => run.host))
  const services = await store.services.list()
  const hosts = services.filter(({ topic, host }) => topic === 'compute' && !done.has(host)).map(({ host }) => host)
  if (hosts.length === 0) return
  const startMs = clock.now()
  const lived = Map.groupBy(
    await store.mayLag('reports').instances.livedBetween(period.beginMs, period.endMs),
    ({ host }) => host,
  )
  const seconds = (clock.now() - startMs) / 1000
  for (const host of hosts) {
    const itemCount = lived.get(host)?.length ?? 0
    const message = `Instance usage audit ran for host ${host}, ${itemCount} instances in ${seconds} seconds.`
    await store.taskLog.record(period, { host, state: 'DONE', message, itemCount, errorCount: 0 })
    log.info({ host, instance_count: itemCount }, 'usage audit of the last period is done')
  }
}
