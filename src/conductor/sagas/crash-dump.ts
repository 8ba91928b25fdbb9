import type { ServerTask } from '#bus'
import { InstanceNotReady } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from '../deps.ts'
import { hostClient, unlessAborted } from '../hosts.ts'
import { say } from '../notices.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'

const event = 'compute_trigger_crash_dump'

/** Interrupts the guest. What it does then, dump, reboot or nothing, is in its own hands and shows as its power state. */
export const serverCrashDump = saga<ConductorDeps, ServerTask, Store>('server-crash-dump')
  .step('guest', async (s, d, c) => {
    const { id, host } = await d.store.instances.get(s.input.instanceId)
    if (host === null) throw InstanceNotReady({ id })
    await startEvent(d.store, d.clock.now(), s.input, event, host)
    await unlessAborted(c.signal, hostClient(d, host).crashDump({ id }, { key: c.key }))
    return { host }
  })
  .settled(async (s, outcome, tx, { nowMs }) => {
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, s.guest?.host ?? null)
  })
  .telling({
    'before guest': say('instance.trigger_crash_dump.start'),
    done: say('instance.trigger_crash_dump.end'),
  })
