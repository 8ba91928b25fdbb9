import { imagined, type ManageWorld } from '#manage'
import { createScheduler, recordOf, type SchedulingDecision, storeHosts } from '#scheduler'
import type { Store } from '#store'
import { schedulerOptionsOf, segmentsOf } from './control.ts'
import { networkOf, placementOf } from './manage-neighbours.ts'
import type { Opened } from './nova-manage.ts'
import { secondsOf } from './shared.ts'

/** The scheduler of this configuration, here, with claims left out. */
export async function rehearsal(o: Opened, store: Store, ...[spec, count]: Parameters<ManageWorld['rehearse']>) {
  const { config, log, clock } = o
  let decision: SchedulingDecision | undefined
  const scheduler = createScheduler({
    placement: await placementOf(o),
    ...(o.stateDir === undefined ? segmentsOf(config, networkOf(o)) : {}),
    hosts: storeHosts(store, clock, { serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time) }),
    options: schedulerOptionsOf(config),
    log,
    clock,
    random: Math.random,
    onDecision: made => {
      decision = made
    },
  })
  await scheduler.selectDestinations(spec, imagined(count), { isRehearsal: true })
  if (decision === undefined) throw new Error('the scheduler told nothing of its decision')
  return recordOf(decision)
}
