import { always, anything, bare, either, name, nil, obj, operation, resource, since, str } from '#api/kit'
import type { Instance } from '#model'
import { acceptShelve } from '../../accept/snapshots.ts'
import { acceptTask, mustAllow } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { type UnshelveWish, zoneAfterUnshelve } from './unshelve-place.ts'

const op = operation<ApiDeps, { id: string }>()

const accepted = always(202)
const faults = {
  InstanceNotFound: 404,
  InstanceIsLocked: 409,
  InstanceInvalidState: 409,
  InstanceNotReady: 409,
} as const

const shelve = op({
  status: accepted,
  policy: 'os_compute_api:os-shelve:shelve',
  body: bare(anything),
  // The image service may refuse the record of the image.
  faults: { ...faults, Invalid: 400, Forbidden: 403, ImageQuotaExceeded: 403, ForbiddenWithShare: 409 },
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    await acceptShelve(deps, { caller, isAdmin: isAdmin(caller), requestId }, instance)
  },
})

const offload = op({
  status: accepted,
  policy: 'os_compute_api:os-shelve:shelve_offload',
  body: bare(anything),
  faults,
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, {
      action: 'shelveOffload',
      word: 'shelveOffload',
      saga: 'server-shelve-offload',
      input: {},
    })
  },
})

const inZone = either(obj({ availability_zone: name }), nil)
const anywhere = either(obj({ availability_zone: either(nil, str).optional(), host: str.optional() }), nil)

/** Which words count depends on the version; those of others are never looked at. */
function wishOf(body: unknown, behaves: { takesZone: boolean; takesHost: boolean }): UnshelveWish {
  const asked = (body ?? {}) as { availability_zone?: string | null; host?: string }
  return {
    zone: behaves.takesZone ? asked.availability_zone : undefined,
    host: behaves.takesHost ? asked.host : undefined,
  }
}

/** A server that is still on its host starts there; one that has left it is placed anew, where it is wished. */
async function unshelveTask(deps: ApiDeps, instance: Instance, host: string | null, zone: string | null) {
  if (instance.vmState === 'shelved') return { saga: 'server-unshelve-start', input: {} } as const
  const spec = await deps.store.requestSpecs.find(instance.id)
  if (spec !== undefined && spec.requestedZone !== zone)
    await deps.store.requestSpecs.save(instance.id, { ...spec, requestedZone: zone })
  return { saga: 'server-unshelve', input: { host } } as const
}

const unshelve = op({
  status: accepted,
  policy: 'os_compute_api:os-shelve:unshelve',
  alsoPolicies: ['os_compute_api:os-shelve:unshelve_to_host'],
  body: bare(anything.from('2.77', inZone).from('2.91', anywhere)),
  faults: {
    ...faults,
    UnshelveInstanceInvalidState: 409,
    UnshelveHostNotInAZ: 409,
    MismatchVolumeAZException: 409,
    VolumeNotFound: 404,
    InvalidRequest: 400,
    ComputeHostNotFound: 400,
  },
  behaviours: { takesZone: since('2.77'), takesHost: since('2.91') },
  async handle({ path, body, caller, allow, insist, behaves, requestId }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow({ project_id: instance.projectId })
    const task = { action: 'unshelve', word: 'unshelve' } as const
    mustAllow(instance, task.action, task.word, isAdmin(caller))
    const wish = wishOf(body, behaves)
    const spec = await deps.store.requestSpecs.find(instance.id)
    const insistHost = () => insist('os_compute_api:os-shelve:unshelve_to_host', targetOf(instance))
    const zone = await zoneAfterUnshelve(deps, instance, spec, wish, insistHost)
    const next = await unshelveTask(deps, instance, wish.host ?? null, zone)
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, { ...task, ...next })
  },
})

/** Servers on the shelf: their disk in an image, their host free, their addresses kept. */
export const serverShelve = resource('/servers', {
  'POST /{id}/action shelve': shelve,
  'POST /{id}/action shelveOffload': offload,
  'POST /{id}/action unshelve': unshelve,
})
