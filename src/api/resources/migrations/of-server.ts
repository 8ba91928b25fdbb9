import { bare, list, nil, obj, operation, query, reply, resource, since } from '#api/kit'
import { declareFault } from '#base'
import type { ActionName } from '#model'
import {
  type Instance,
  InvalidMigrationState,
  liveInProgress,
  type Migration,
  MigrationNotFoundForInstance,
} from '#model'
import type { EventType } from '#notify'
import { mustAllow } from '../../accept/task.ts'
import { interrupt } from '../../accept/wake.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from '../servers/find.ts'
import { serverMigration, serverMigrationView } from './shape.ts'

const rule = 'os_compute_api:servers:migrations'
const op = operation<ApiDeps, { server_id: string }>()
const opOnOne = operation<ApiDeps, { server_id: string; id: string }>()
const strict = query({}, { strict: since('2.102') })

const NotThere = declareFault(
  'LiveMigrationNotFound',
  'missing',
  (p: { id: string; serverId: string }) => `In-progress live migration ${p.id} is not found for server ${p.serverId}.`,
)
const NotLive = declareFault(
  'MigrationNotLive',
  'missing',
  (p: { id: string; serverId: string }) => `Migration ${p.id} for server ${p.serverId} is not live-migration.`,
)
const NotInProgress = declareFault(
  'MigrationNotInProgress',
  'missing',
  (p: { id: string; serverId: string }) => `Live migration ${p.id} for server ${p.serverId} is not in progress.`,
)

const findMove = async (deps: ApiDeps, instance: Instance, id: string): Promise<Migration | undefined> =>
  /^\d{1,15}$/.test(id) ? deps.store.moves.ofInstance(instance.id, Number(id)) : undefined

const index = op({
  exists: since('2.23'),
  policy: `${rule}:index`,
  alsoPolicies: [`${rule}:index:host`],
  query: strict,
  reply: reply('migrations', list(obj(serverMigration))),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow, may }, deps) {
    const instance = await findServer(deps, caller, path.server_id)
    allow(targetOf(instance))
    const showsHosts = may(`${rule}:index:host`, targetOf(instance))
    return (await deps.store.moves.live(instance.id)).map(move => serverMigrationView(move, showsHosts))
  },
})

const show = opOnOne({
  exists: since('2.23'),
  policy: `${rule}:show`,
  query: strict,
  reply: reply('migration', serverMigration),
  faults: { InstanceNotFound: 404, LiveMigrationNotFound: 404, MigrationNotLive: 404, MigrationNotInProgress: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.server_id)
    allow(targetOf(instance))
    const named = { id: path.id, serverId: instance.id }
    const move = await findMove(deps, instance, path.id)
    if (move === undefined) throw NotThere(named)
    if (move.type !== 'live-migration') throw NotLive(named)
    if (!liveInProgress.includes(move.status)) throw NotInProgress(named)
    return serverMigrationView(move, true)
  },
})

/** The move if it is in one of the statuses in which this may be done to it. */
async function moveIn(deps: ApiDeps, instance: Instance, id: string, statuses: readonly string[], method: string) {
  const move = await findMove(deps, instance, id)
  if (move === undefined) throw MigrationNotFoundForInstance({ id, instanceId: instance.id })
  if (move.type !== 'live-migration' || !statuses.includes(move.status))
    throw InvalidMigrationState({ id, instanceId: instance.id, state: move.status, method })
  return move
}

interface Request {
  readonly caller: Parameters<typeof findServer>[1]
  readonly requestId: string
}

/** What is done at once is in the actions log with its one event. */
async function recorded(
  deps: ApiDeps,
  { caller, requestId }: Request,
  instance: Instance,
  what: { readonly action: string; readonly event: string; readonly notices: readonly [EventType, EventType] },
  work: () => Promise<unknown>,
): Promise<void> {
  const { actions } = deps.store
  const { userId, projectId } = caller
  const at = { instanceId: instance.id, requestId, event: what.event }
  await actions.start({
    instanceId: instance.id,
    action: what.action,
    requestId,
    userId,
    projectId,
    startAtMs: deps.clock.now(),
  })
  await actions.startEvent({ ...at, host: instance.host, nowMs: deps.clock.now() })
  const tell = (event: EventType) =>
    deps.notices.together(deps.store, tx => deps.notices.tell(tx, event, { instance: instance.id } as never))
  try {
    await tell(what.notices[0])
    await work()
    await actions.finishEvent({ ...at, nowMs: deps.clock.now() })
    await tell(what.notices[1])
  } catch (error) {
    const details = error instanceof Error ? error.message : String(error)
    await actions.finishEvent({ ...at, nowMs: deps.clock.now(), failure: { details, traceback: null } })
    // The copy may have ended a moment ago; the client has its answer by then.
    deps.log.warn({ instance_id: instance.id, err: error }, 'a live migration could not be hurried or stopped')
  }
}

function mustBeMigrating(instance: Instance, action: ActionName, word: string, caller: Request['caller']): void {
  mustAllow(instance, action, word, isAdmin(caller))
}

const running = ['running']
const beforeRunning = ['queued', 'preparing']

/** The saga takes everything back; whether the copy was faster, it finds out. */
const abort = opOnOne({
  exists: since('2.24'),
  status: 202,
  policy: `${rule}:delete`,
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    MigrationNotFoundForInstance: 404,
    InvalidMigrationState: 400,
  },
  behaviours: { stopsQueued: since('2.65') },
  async handle({ path, caller, allow, requestId, behaves }, deps) {
    const instance = await findServer(deps, caller, path.server_id)
    allow(targetOf(instance))
    mustBeMigrating(instance, 'abortLiveMigration', 'abort live migration', caller)
    const statuses = behaves.stopsQueued ? [...running, ...beforeRunning] : running
    await moveIn(deps, instance, path.id, statuses, 'abort live migration')
    const what = {
      action: 'live_migration_cancel',
      event: 'compute_live_migration_abort',
      notices: ['instance.live_migration_abort.start', 'instance.live_migration_abort.end'],
    } as const
    await recorded(deps, { caller, requestId }, instance, what, async () => {
      if (instance.sagaId === null) return
      await deps.store.sagas.cancel(instance.sagaId)
      await interrupt(deps, instance.sagaId)
    })
  },
})

const forceComplete = opOnOne({
  exists: since('2.22'),
  status: 202,
  policy: `${rule}:force_complete`,
  body: bare(nil),
  faults: {
    InstanceNotFound: 404,
    InstanceIsLocked: 409,
    InstanceInvalidState: 409,
    MigrationNotFoundForInstance: 400,
    InvalidMigrationState: 400,
  },
  async handle({ path, caller, allow, requestId }, deps) {
    const instance = await findServer(deps, caller, path.server_id)
    allow(targetOf(instance))
    mustBeMigrating(instance, 'forceCompleteLiveMigration', 'force_complete', caller)
    const { sourceHost } = await moveIn(deps, instance, path.id, running, 'force complete')
    const what = {
      action: 'live_migration_force_complete',
      event: 'compute_live_migration_force_complete',
      notices: ['instance.live_migration_force_complete.start', 'instance.live_migration_force_complete.end'],
    } as const
    await recorded(deps, { caller, requestId }, instance, what, () =>
      deps.computeOn(sourceHost).forceComplete({ id: instance.id }),
    )
  },
})

/** Live migrations of one server, while they are on their way. */
export const serverMigrations = resource('/servers/{server_id}/migrations', {
  'GET /': index,
  'GET /{id}': show,
  'DELETE /{id}': abort,
  'POST /{id}/action force_complete': forceComplete,
})
