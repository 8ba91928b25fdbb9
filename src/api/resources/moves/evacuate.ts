import { bare, bool, fqdn, obj, operation, reply, since, str, until } from '#api/kit'
import type { Caller } from '#cloud'
import { type Instance, InstanceNotReady, type RequestSpec } from '#model'
import { isServiceUp, type NewMigration } from '#store'
import { moveSpec, newMigration } from '../../accept/move.ts'
import { mustHaveNoShares } from '../../accept/shares.ts'
import { acceptTask, mustAllow, type TaskRequest } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { newPassword } from '../servers/create.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import {
  EvacuationHostNotFound,
  EvacuationSameHost,
  ForcedNowhere,
  HostInUse,
  PasswordOnExistingDisk,
} from './faults.ts'

const op = operation<ApiDeps, { id: string }>()

/** Only a host that is down may be evacuated: otherwise there would be two of the guest. */
async function mustBeDown(deps: ApiDeps, instance: Instance): Promise<void> {
  const { host } = instance
  if (host === null) throw InstanceNotReady({ id: instance.id })
  const service = await deps.store.services.find(host, 'nova-compute')
  if (service !== undefined && isServiceUp(service, deps.clock.now(), deps.settings.serviceDownTimeMs))
    throw HostInUse({ host })
}

async function destinationOf(deps: ApiDeps, instance: Instance, name: string): Promise<RequestSpec['destination']> {
  const node = await deps.store.computeNodes.find({ host: name })
  if (node === undefined) throw EvacuationHostNotFound({ host: name })
  if (name === instance.host) throw EvacuationSameHost({})
  return { host: name, node: node.description.hypervisorHostname, isForced: false }
}

interface Body {
  readonly host?: string
  readonly onSharedStorage?: boolean
  readonly adminPass?: string
  readonly force?: boolean
}

/** The guest is made anew and gets a new password, unless its disk is one that it keeps. */
function passwordFor(deps: ApiDeps, { adminPass, onSharedStorage }: Body): string | null {
  if (onSharedStorage === true) {
    if (adminPass !== undefined) throw PasswordOnExistingDisk({})
    return null
  }
  return adminPass ?? newPassword(deps.settings.passwordLength)
}

interface Wish {
  readonly move: NewMigration
  readonly spec: RequestSpec
  readonly forcedHost: string | null
}

/** What is asked of a server on the host that it is on now. */
async function evacuation(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  { host, force }: Pick<Body, 'host' | 'force'>,
  asksScheduler: boolean,
): Promise<Wish> {
  const name = host ?? null
  const destination = name === null ? null : await destinationOf(deps, instance, name)
  await mustHaveNoShares(deps.store, 'evacuate', instance.id)
  mustAllow(instance, 'evacuate', 'evacuate', isAdmin(caller))
  await mustBeDown(deps, instance)
  const isForced = name !== null && (force === true || !asksScheduler)
  const ignoreHosts = instance.host === null ? [] : [instance.host]
  const target = name === null ? {} : { host: name }
  return {
    move: newMigration(deps, caller, instance, { type: 'evacuation', status: 'accepted', ...target }),
    spec: { ...(await moveSpec(deps, instance)), destination: isForced ? null : destination, ignoreHosts },
    forcedHost: isForced ? name : null,
  }
}

const evacuationTask = (
  deps: ApiDeps,
  instance: Instance,
  {
    move,
    spec,
    forcedHost,
    password,
    staysOff,
  }: Wish & { readonly password: string | null; readonly staysOff: boolean },
): TaskRequest<'server-evacuate'> => ({
  action: 'evacuate',
  word: 'evacuate',
  saga: 'server-evacuate',
  input: { migrationId: move.uuid, spec, forcedHost, staysOff },
  // Whatever the dead host was asked to do is not going to be done.
  cancelsOthers: true,
  alsoWrite: async tx => {
    await tx.moves.add(move)
    await tx.launchSecrets.forget(instance.id)
    if (instance.hasConfigDrive) await tx.launchSecrets.keep(instance.id, { adminPassword: password ?? '', files: [] })
    await deps.notices.tell(tx, 'instance.evacuate', { instance: instance.id })
  },
})

export const evacuate = op({
  policy: 'os_compute_api:os-evacuate',
  body: bare(
    obj({
      host: fqdn.optional(),
      onSharedStorage: bool.until('2.14'),
      adminPass: str.optional(),
      force: bool.optional().since('2.29').until('2.68'),
    }),
  ),
  reply: reply(obj({ adminPass: str.nullable().optional() }).until('2.14')),
  faults: {
    InstanceNotFound: 404,
    InstanceInvalidState: 409,
    ForbiddenWithShare: 409,
    InstanceNotReady: 409,
    EvacuationHostNotFound: 404,
    EvacuationSameHost: 400,
    ForcedNowhere: 400,
    ComputeServiceInUse: 400,
    PasswordOnExistingDisk: 400,
  },
  behaviours: { tellsPassword: until('2.14'), asksScheduler: since('2.29'), staysOff: since('2.95') },
  async handle({ path, body, caller, allow, requestId, behaves }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    if (body.force === true && (body.host ?? null) === null) throw ForcedNowhere({})
    const password = passwordFor(deps, body)
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, async server => {
      const wish = await evacuation(deps, caller, server, body, behaves.asksScheduler)
      return evacuationTask(deps, server, { ...wish, password, staysOff: behaves.staysOff })
    })
    if (!behaves.tellsPassword || !deps.settings.showsAdminPassword) return {}
    return { adminPass: password }
  },
})
