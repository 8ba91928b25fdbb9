import { always, bare, bool, either, fqdn, obj, oneOf, operation, since } from '#api/kit'
import { type Clock, waitFor } from '#base'
import type { SagaInputs } from '#bus'
import type { Caller } from '#cloud'
import { type Instance, type RequestSpec } from '#model'
import type { Store } from '#store'
import { moveSpec, newMigration } from '../../accept/move.ts'
import { mustHaveNoShares } from '../../accept/shares.ts'
import { acceptTask, mustAllow, type TaskRequest } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { ForcedNowhere, HostUnknown, LiveMigrationRefused } from './faults.ts'

const op = operation<ApiDeps, { id: string }>()

const rule = 'os_compute_api:os-migrate-server:migrate_live'
const block = either(bool, oneOf('auto'))
const host = fqdn.nullable()

/** Below 2.34 the client waits for the checks; past this something is wrong with the hosts. */
const patienceMs = 60_000

/** A host by name, to be looked at by the scheduler unless it is forced. */
async function destinationOf(deps: ApiDeps, name: string): Promise<NonNullable<RequestSpec['destination']>> {
  const node = await deps.store.computeNodes.find({ host: name })
  if (node === undefined) throw HostUnknown({ host: name })
  return { host: name, node: node.description.hypervisorHostname, isForced: false }
}

/** Waits until the checks have passed; refused with what they found. */
async function mustPassChecks(store: Store, clock: Clock, instance: Instance, migrationId: string): Promise<void> {
  const status = await waitFor(
    'the checks of the live migration',
    async () => {
      const move = await store.moves.find(migrationId)
      return move === undefined || move.status === 'accepted' ? undefined : move.status
    },
    { deadlineMs: patienceMs, everyMs: 20, clock },
    // It has been accepted; whoever has no time to wait longer looks at the server.
  ).catch(() => undefined)
  if (status !== 'error') return
  const fault = (await store.faults.newest([instance.id])).get(instance.id)
  throw LiveMigrationRefused({ message: fault?.message ?? 'Migration pre-check error' })
}

/** From the host that the server is on now. */
function liveTask(
  deps: ApiDeps,
  caller: Caller,
  instance: Instance,
  wish: Pick<SagaInputs['server-live-migrate'], 'spec' | 'forcedHost' | 'withDisks'>,
): TaskRequest<'server-live-migrate'> {
  const target = wish.forcedHost === null ? {} : { host: wish.forcedHost }
  const move = newMigration(deps, caller, instance, { type: 'live-migration', status: 'accepted', ...target })
  return {
    action: 'liveMigrate',
    word: 'os-migrateLive',
    saga: 'server-live-migrate',
    input: { ...wish, migrationId: move.uuid },
    alsoWrite: tx => tx.moves.add(move),
  }
}

export const migrateLive = op({
  status: always(202),
  policy: `${rule}:host`,
  alsoPolicies: [rule],
  body: bare(
    obj({
      block_migration: bool.from('2.25', block),
      disk_over_commit: bool.until('2.25'),
      host,
      force: bool.optional().since('2.30').until('2.68'),
    }),
  ),
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    ForbiddenWithShare: 409,
    InstanceInvalidState: 409,
    InstanceNotReady: 409,
    ComputeHostNotFound: 400,
    ForcedNowhere: 400,
    LiveMigrationRefused: 400,
  },
  behaviours: { asksScheduler: since('2.30'), isAsync: since('2.34') },
  async handle({ path, body, caller, allow, requestId, behaves }, deps) {
    const instance = await findServer(deps, caller, path.id)
    const name = body.host === '' ? null : body.host
    allow(targetOf(instance), name === null ? rule : undefined)
    if (body.force === true && name === null) throw ForcedNowhere({})
    await mustHaveNoShares(deps.store, 'liveMigrate', instance.id)
    mustAllow(instance, 'liveMigrate', 'os-migrateLive', isAdmin(caller))
    const destination = name === null ? null : await destinationOf(deps, name)
    const isForced = name !== null && (body.force === true || !behaves.asksScheduler)
    const forcedHost = isForced ? name : null
    const withDisks = body.block_migration === 'auto' ? null : body.block_migration
    let migrationId = ''
    await acceptTask(deps, caller, isAdmin(caller), requestId, instance, async server => {
      const spec = { ...(await moveSpec(deps, server)), destination: isForced ? null : destination }
      const task = liveTask(deps, caller, server, { spec, forcedHost, withDisks })
      migrationId = task.input.migrationId
      return task
    })
    if (!behaves.isAsync) await mustPassChecks(deps.store, deps.clock, instance, migrationId)
  },
})
