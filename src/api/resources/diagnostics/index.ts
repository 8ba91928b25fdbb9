import { operation, query, reply, resource, since } from '#api/kit'
import { Fault, isTransient } from '#base'
import { HostUnavailable, type Instance, InstanceInvalidState, InstanceNotReady, powerWords } from '#model'
import type { Diagnostics } from '#virt'
import { mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { deviceView, diagnosticsShape, normalView } from './shape.ts'

const notRunning = (instance: Instance): Fault =>
  InstanceInvalidState({
    action: 'get_diagnostics',
    id: instance.id,
    attr: 'power state',
    state: powerWords[instance.powerState],
  })

async function askHost(deps: ApiDeps, instance: Instance, host: string): Promise<Diagnostics> {
  try {
    return await deps.computeOn(host).diagnostics({ id: instance.id })
  } catch (error) {
    if (isTransient(error)) throw HostUnavailable({ host }, { cause: error })
    // The hypervisor has no such guest now, or none that runs.
    if (error instanceof Fault && (error.kind === 'missing' || error.kind === 'conflict')) throw notRunning(instance)
    throw error
  }
}

const show = operation<ApiDeps, { id: string }>()({
  policy: 'os_compute_api:os-server-diagnostics',
  query: query({}, { strict: since('2.102') }),
  reply: reply(diagnosticsShape),
  faults: { InstanceNotFound: 404, InstanceNotReady: 409, InstanceInvalidState: 409, HostUnavailable: 409 },
  behaviours: { isNormal: since('2.48') },
  async handle({ path, caller, allow, behaves }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'diagnostics', 'get_diagnostics', isAdmin(caller))
    if (instance.host === null) throw InstanceNotReady({ id: instance.id })
    const found = await askHost(deps, instance, instance.host)
    if (found.state !== 'running') throw notRunning(instance)
    return behaves.isNormal ? normalView(instance, found) : deviceView(instance, found)
  },
})

/** What the hypervisor counts about a running guest. */
export const diagnostics = resource('/servers/{id}/diagnostics', { 'GET /': show })
