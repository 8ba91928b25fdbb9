import { resolve } from 'node:path'
import { imagined, type ManageWorld } from '#manage'
import { openPlacementPort } from '#placement'
import { createScheduler, recordOf, type SchedulerDeps, type SchedulingDecision, storeHosts } from '#scheduler'
import type { Store } from '#store'
import { schedulerOptionsOf, segmentsOf } from './control.ts'
import { databaseUrl } from './database.ts'
import { neighboursFromConfig } from './neighbours-from-config.ts'
import type { Opened } from './nova-manage.ts'
import { secondsOf } from './shared.ts'

/** What the scheduler asks. The network of one machine has no segments, so nobody need ask it for them. */
async function askedOf(o: Opened): Promise<Pick<SchedulerDeps, 'placement' | 'network'>> {
  if (o.stateDir === undefined) {
    const neighbours = neighboursFromConfig(o)
    o.closers.add(() => neighbours.close())
    return { placement: neighbours.placement, ...segmentsOf(o.config, neighbours) }
  }
  const opened = await openPlacementPort({
    databaseUrl: databaseUrl(resolve(o.stateDir), 'placement'),
    log: o.log,
    clock: o.clock,
  })
  o.closers.add(() => opened.close())
  return { placement: opened.port }
}

/** The scheduler of this configuration, here, with claims left out. */
export async function rehearsal(o: Opened, store: Store, ...[spec, count]: Parameters<ManageWorld['rehearse']>) {
  const { config, log, clock } = o
  let decision: SchedulingDecision | undefined
  const scheduler = createScheduler({
    ...(await askedOf(o)),
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
