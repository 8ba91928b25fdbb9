import { completedPeriod } from '#model'
import type { ConductorDeps } from '../deps.ts'
import { noticesOf } from '../notices.ts'

/**
 * Once per period and host: which servers it ran in it. Counting is one read, so a run that is recorded is done; two
 * conductors at once record one. Each of them is told of as existing, in the transaction that records the run.
 */
export async function auditUsage(deps: ConductorDeps, unit: string): Promise<void> {
  const { store, clock, log } = deps
  const notices = noticesOf(deps)
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
    const isNew = await notices.together(store, async tx => {
      if (!(await tx.taskLog.record(period, { host, state: 'DONE', message, itemCount, errorCount: 0 }))) return false
      for (const instance of lived.get(host) ?? []) await notices.tell(tx, 'instance.exists', { instance, period })
      return true
    })
    if (!isNew) continue
    log.info({ host, instance_count: itemCount }, 'usage audit of the last period is done')
  }
}
