import { every } from '#base'
import type { SagaEngine } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from './deps.ts'
import { haWatch } from './instance-ha/watch.ts'
import { refreshNetwork } from './network-info.ts'
import { noticesOf } from './notices.ts'
import { Audit } from './reconcilers/audit/index.ts'
import { endLateBuilds, hardenLateReboots } from './reconcilers/late-work.ts'
import { confirmLateResizes } from './reconcilers/moves.ts'
import { reclaim } from './reconcilers/reclaim.ts'
import { endRescues } from './reconcilers/rescue-timeout.ts'
import { offloadShelved } from './reconcilers/shelved.ts'
import { auditUsage } from './reconcilers/usage-audit.ts'
import { pollVolumeUse } from './reconcilers/volume-usage.ts'

/** Ended sagas are kept this long for whoever investigates. */
const keepEndedMs = 24 * 3_600_000
const housekeepingMs = 600_000
/** Notifications that may wait, unless `[notifications] outbox_limit` says otherwise. */
const mostEvents = 100_000
/** Nova's spacing of its periodic work that has no interval of its own; what ends after less is looked at more often. */
const pollMs = 60_000

/** Between two looks for lost hosts; a heartbeat comes every 10 s (`report_interval`). */
const lookMs = 3_000

/** One server a round: those that nobody told of a change of its ports are found after a while. */
function networkRefresher(deps: ConductorDeps): () => Promise<void> {
  let last = ''
  return async () => {
    const id = await deps.store.instances.nextOnHost(last)
    if (id === undefined) return
    last = id
    await refreshNetwork(deps, id)
  }
}

/** Everything that recurs at a conductor. Returns what stops it. */
export function startTimers(deps: ConductorDeps, engine: SagaEngine<Store>, name: string): readonly (() => void)[] {
  const { clock, store, options, log } = deps
  const timer = (what: string, ms: number | undefined, task: () => Promise<unknown>) =>
    ms === undefined ? [] : [every(clock, ms, task, error => log.error({ err: error }, `${what} failed`))]
  /** After `limitMs` something is to be done; never for 0 and none. */
  const late = (what: string, limitMs: number | undefined, task: (limitMs: number) => Promise<readonly string[]>) =>
    limitMs === undefined || limitMs <= 0
      ? []
      : timer(what, Math.min(pollMs, limitMs), async () => {
          for (const id of await task(limitMs)) engine.wake(id)
        })
  const { auditMs, usageAuditPeriod: period } = options
  const audit = new Audit(deps)
  const watch = haWatch(deps, lookMs)
  return [
    ...timer('heartbeat', options.reportMs, () => store.services.heartbeat('nova-conductor', [name], clock.now())),
    ...late('end of rescues', options.rescueMs, ms => endRescues(deps, ms)),
    ...late('reclaim', options.reclaimMs, ms => reclaim(deps, ms)),
    ...late('confirmation of late resizes', options.resizeConfirmMs, () => confirmLateResizes(deps)),
    ...late('end of late builds', options.buildTimeoutMs, ms => endLateBuilds(deps, engine, ms)),
    ...late('hard reboot of late reboots', options.rebootTimeoutMs, ms => hardenLateReboots(deps, engine, ms)),
    ...timer('look for lost hosts', watch === undefined ? undefined : lookMs, async () => {
      const { begun, ended } = (await watch?.round()) ?? { begun: [], ended: [] }
      for (const id of ended) engine.interrupt(id)
      for (const id of begun) engine.wake(id)
    }),
    ...timer('offload of shelved servers', options.shelvedPollMs, () => offloadShelved(deps, id => engine.wake(id))),
    ...timer('refresh of interfaces', options.networkRefreshMs, networkRefresher(deps)),
    ...timer('audit', auditMs, async () => {
      for (const id of await audit.round(auditMs ?? 0)) engine.wake(id)
    }),
    ...(noticesOf(deps).isOn
      ? timer('count of the use of volumes', options.volumeUsageMs, () => pollVolumeUse(deps))
      : []),
    ...(period === undefined ? [] : timer('usage audit', pollMs, () => auditUsage(deps, period))),
    ...timer('purge of ended sagas', housekeepingMs, () => store.sagas.purgeEnded(clock.now() - keepEndedMs)),
    // Also where this conductor sends none: others may be configured to tell.
    ...timer('bound of waiting notifications', housekeepingMs, () =>
      store.outbox.trim(options.mostEvents ?? mostEvents),
    ),
    ...timer('purge of console tokens', housekeepingMs, () => store.consoleTokens.purgeExpired(clock.now())),
  ]
}
