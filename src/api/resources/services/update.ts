import { operation, reply, since } from '#api/kit'
import { isUuidLike } from '#base'
import type { Service } from '#store'
import type { ApiDeps } from '../../deps.ts'
import { changeService, type ServiceChange } from './change.ts'
import { BadService, HostNotMapped, UnknownServiceAction } from './faults.ts'
import { findCompute, findService } from './find.ts'
import { updateBody, updateReply } from './shape.ts'
import { serviceView } from './view.ts'

interface OldBody {
  readonly host?: string
  readonly binary?: string
  readonly disabled_reason?: string
  readonly forced_down?: boolean
}

interface NewBody {
  readonly status?: 'enabled' | 'disabled'
  readonly disabled_reason?: string
  readonly forced_down?: boolean
}

function mustBeCompute(binary: string): void {
  if (binary === 'nova-compute') return
  throw BadService({
    text: `Updating a ${binary} service is not supported. Only nova-compute services can be updated.`,
  })
}

/** What the last part of the path asks for, below 2.53. */
function oldChange(action: string, body: OldBody, mayForceDown: boolean): ServiceChange {
  if (action === 'enable') return { isDisabled: false, disabledReason: null }
  if (action === 'disable') return { isDisabled: true, disabledReason: null }
  if (action === 'disable-log-reason') {
    if (body.disabled_reason === undefined) throw BadService({ text: 'Missing disabled reason field' })
    return { isDisabled: true, disabledReason: body.disabled_reason }
  }
  if (action !== 'force-down' || !mayForceDown) throw UnknownServiceAction({})
  if (body.forced_down === undefined) throw BadService({ text: 'Missing forced_down field' })
  return { isForcedDown: body.forced_down }
}

/** A host from which servers were evacuated must first have taken note of it, or two guests could run as one server. */
async function mustHaveLetGo({ store }: ApiDeps, host: string, { isForcedDown }: ServiceChange): Promise<void> {
  if (isForcedDown !== false) return
  const evacuated = await store.moves.inStatus('done', { sourceHost: host })
  if (!evacuated.some(({ type }) => type === 'evacuation')) return
  throw BadService({
    text:
      `Unable to force up host ${host} as \`done\` evacuation migration records remain associated with the host. ` +
      'Ensure the compute service has been restarted, allowing these records to move to `completed` before retrying ' +
      'this request.',
  })
}

async function updateByName(deps: ApiDeps, action: string, body: OldBody, mayForceDown: boolean) {
  const { host = '', binary = '' } = body
  const change = oldChange(action, body, mayForceDown)
  mustBeCompute(binary)
  const found = await findCompute(deps, host)
  if (found === undefined) throw HostNotMapped({ host })
  await mustHaveLetGo(found.deps, host, change)
  await changeService(found.deps, found.value, change)
  if (change.isForcedDown !== undefined) return { host, binary, forced_down: change.isForcedDown }
  const reason = typeof change.disabledReason === 'string' ? { disabled_reason: change.disabledReason } : {}
  return { host, binary, status: change.isDisabled === true ? ('disabled' as const) : ('enabled' as const), ...reason }
}

function newChange(body: NewBody): ServiceChange {
  const { status, disabled_reason: reason, forced_down } = body
  if (status === 'enabled' && reason !== undefined)
    throw BadService({ text: "Specifying 'disabled_reason' with status 'enabled' is invalid." })
  if (status === undefined && forced_down === undefined)
    throw BadService({ text: "No updates were requested. Fields 'status' or 'forced_down' should be specified." })
  return {
    ...(status === 'enabled' ? { isDisabled: false, disabledReason: null } : {}),
    ...(status === 'disabled' ? { isDisabled: true, disabledReason: reason ?? null } : {}),
    ...(forced_down === undefined ? {} : { isForcedDown: forced_down }),
  }
}

async function updateById(deps: ApiDeps, service: Service, body: NewBody) {
  mustBeCompute(service.binary)
  const change = newChange(body)
  await mustHaveLetGo(deps, service.host, change)
  const changed = await changeService(deps, service, change)
  return serviceView(deps, changed, await deps.store.aggregates.zones(), true)
}

/** `PUT /os-services/disable` and its sisters until 2.52, `PUT /os-services/{uuid}` from 2.53 on. */
export const update = operation<ApiDeps, { id: string }>()({
  policy: 'os_compute_api:os-services:update',
  body: updateBody,
  reply: reply('service', updateReply),
  faults: { InvalidInput: 400, HostMappingNotFound: 404, UnknownServiceAction: 404, ServiceNotFound: 404 },
  behaviours: { namesByUuid: since('2.53'), forcesDown: since('2.11') },
  async handle({ path, body, allow, behaves }, deps) {
    if (behaves.namesByUuid && !isUuidLike(path.id)) throw BadService({ text: `Invalid uuid ${path.id}` })
    allow({})
    if (!behaves.namesByUuid) return updateByName(deps, path.id, body, behaves.forcesDown)
    const found = await findService(deps, path.id)
    return updateById(found.deps, found.value, body)
  },
})
