import { anything, bare, nil, operation, since } from '#api/kit'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { accept, faults } from './actions.ts'
import { findServer, isAdmin, targetOf } from './find.ts'

const op = operation<ApiDeps, { id: string }>()

/** Interrupts the guest so that its system dumps its memory. */
export const triggerCrashDump = op({
  exists: since('2.17'),
  status: 202,
  policy: 'os_compute_api:servers:trigger_crash_dump',
  body: bare(nil),
  faults,
  handle: (context, deps) =>
    accept(context, deps, {
      action: 'triggerCrashDump',
      word: 'trigger_crash_dump',
      saga: 'server-crash-dump',
      input: {},
    }),
})

/**
 * Reads the server's ports anew. It once wrote them into the guests of a hypervisor that is no more; guests ask DHCP and
 * the metadata service.
 */
export const injectNetworkInfo = op({
  status: 202,
  policy: 'os_compute_api:os-admin-actions:inject_network_info',
  body: bare(anything),
  faults,
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'injectNetworkInfo', 'inject_network_info', isAdmin(caller))
    await deps.conductor.refreshNetwork({ instanceId: instance.id }).catch(error => {
      deps.log.warn({ instance_id: instance.id, err: error }, 'ports could not be read; their next event will do it')
    })
  },
})
