import { always, anything, bare, either, intLike, nil, obj, oneOf, operation, reply, since, str, text } from '#api/kit'
import { declareFault } from '#base'
import { NoServer, type SagaInputs, type SagaName, type ServerTask } from '#bus'
import type { Caller } from '#cloud'
import { type ActionName, HostUnavailable, type Instance, InstanceNotFound, InstanceNotReady, lifecycle } from '#model'
import type { InstanceChange, Store } from '#store'
import { mustHaveNoShares } from '../../accept/shares.ts'
import { acceptDelete, acceptSoftDelete, acceptTask, mustAllow, type TaskRequest } from '../../accept/task.ts'
import type { ApiDeps } from '../../deps.ts'
import { findServer, isAdmin, targetOf } from './find.ts'

const op = operation<ApiDeps, { id: string }>()

const accepted = always(202)
export const faults = {
  InstanceNotFound: 404,
  InstanceIsLocked: 409,
  InstanceInvalidState: 409,
  InstanceNotReady: 409,
  HostUnavailable: 409,
} as const

export interface ActionContext {
  readonly path: { readonly id: string }
  readonly caller: Caller
  readonly allow: (target: Readonly<Record<string, unknown>>) => void
  readonly requestId: string
}

export async function accept<N extends SagaName>(
  context: ActionContext,
  deps: ApiDeps,
  request: TaskRequest<N>,
): Promise<void> {
  const { caller, allow, requestId } = context
  const instance = await findServer(deps, caller, context.path.id)
  allow(targetOf(instance))
  await mustHaveNoShares(deps.store, request.action, instance.id)
  await acceptTask(deps, caller, isAdmin(caller), requestId, instance, request)
}

/** Sagas that are told nothing but the server. */
type PlainSaga = { [N in SagaName]: ServerTask extends SagaInputs[N] ? N : never }[SagaName]

/** An action without arguments that starts one saga. */
export const simple = (
  policy: string,
  action: ActionName,
  word: string,
  saga: PlainSaga,
  more: Readonly<Record<string, number>> = {},
) =>
  op({
    status: accepted,
    policy,
    body: bare(anything),
    faults: { ...faults, ...more },
    handle: (context, deps) => accept(context, deps, { action, word, saga, input: {} as never }),
  })

export const start = simple('os_compute_api:servers:start', 'start', 'start', 'server-start')
export const stop = simple('os_compute_api:servers:stop', 'stop', 'stop', 'server-stop')
export const suspend = simple('os_compute_api:os-suspend-server:suspend', 'suspend', 'suspend', 'server-suspend', {
  ForbiddenWithShare: 409,
})
export const resume = simple('os_compute_api:os-suspend-server:resume', 'resume', 'resume', 'server-resume')
export const pause = simple('os_compute_api:os-pause-server:pause', 'pause', 'pause', 'server-pause')
export const unpause = simple('os_compute_api:os-pause-server:unpause', 'unpause', 'unpause', 'server-unpause')

export const reboot = op({
  status: accepted,
  policy: 'os_compute_api:servers:reboot',
  body: bare(obj({ type: oneOf('HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft') })),
  faults,
  handle: (context, deps) => {
    const kind = context.body.type.toLowerCase() === 'soft' ? 'soft' : 'hard'
    const action = kind === 'soft' ? 'rebootSoft' : 'rebootHard'
    return accept(context, deps, {
      action,
      word: 'reboot',
      saga: 'server-reboot',
      input: { kind },
      cancelsOthers: kind === 'hard',
    })
  },
})

async function remove(context: ActionContext, deps: ApiDeps, action: 'delete' | 'forceDelete'): Promise<void> {
  const { caller, allow, requestId } = context
  const instance = await findServer(deps, caller, context.path.id)
  allow(targetOf(instance))
  if (action === 'delete' && deps.settings.reclaimMs > 0) {
    return acceptSoftDelete(deps, caller, isAdmin(caller), requestId, instance)
  }
  await acceptDelete(deps, caller, isAdmin(caller), requestId, instance, action)
}

export const destroy = op({
  status: always(204),
  policy: 'os_compute_api:servers:delete',
  faults,
  handle: (context, deps) => remove(context, deps, 'delete'),
})

export const forceDelete = op({
  status: accepted,
  policy: 'os_compute_api:os-deferred-delete:force',
  body: bare(anything),
  faults,
  handle: (context, deps) => remove(context, deps, 'forceDelete'),
})

/** Locks and unlocks are written at once; both are recorded as actions. */
async function record(deps: ApiDeps, context: ActionContext, instance: Instance, action: ActionName): Promise<void> {
  const { recorded } = lifecycle[action]
  if (recorded === null) return
  await deps.store.actions.start({
    instanceId: instance.id,
    action: recorded,
    requestId: context.requestId,
    userId: context.caller.userId,
    projectId: context.caller.projectId,
    startAtMs: deps.clock.now(),
  })
  const event = {
    instanceId: instance.id,
    requestId: context.requestId,
    event: `api_${recorded}`,
    nowMs: deps.clock.now(),
  }
  await deps.store.actions.startEvent({ ...event, host: null })
  await deps.store.actions.finishEvent(event)
}

const reason = obj({ locked_reason: text({ min: 1, max: 255 }).optional() })

/** A server that is not here any more is deleted, or has just gone to its cell. */
async function mustChange(tx: Store, deps: ApiDeps, { id }: Instance, change: InstanceChange): Promise<void> {
  if (!(await tx.instances.change(id, change, deps.clock.now()))) throw InstanceNotFound({ id })
}

export const lock = op({
  status: accepted,
  policy: 'os_compute_api:os-lock-server:lock',
  body: bare(anything.from('2.73', either(reason, nil))),
  faults: { InstanceNotFound: 404 },
  behaviours: { takesReason: since('2.73') },
  async handle(context, deps) {
    const { caller, allow, body, behaves } = context
    const instance = await findServer(deps, caller, context.path.id)
    allow(targetOf(instance))
    const isOwner = instance.projectId === caller.projectId
    // Locking again does nothing for the owner; an administrator takes the lock over.
    if (instance.lockedBy !== null && isOwner) return
    const asked = behaves.takesReason ? (body as { locked_reason?: string } | null) : null
    const lockedReason = asked?.locked_reason ?? null
    const change = { lockedBy: isOwner ? 'owner' : 'admin', lockedReason } as const
    await deps.notices.together(deps.store, async tx => {
      await mustChange(tx, deps, instance, change)
      await deps.notices.tell(tx, 'instance.lock', { instance: instance.id })
    })
    await record(deps, context, instance, 'lock')
  },
})

export const unlock = op({
  status: accepted,
  policy: 'os_compute_api:os-lock-server:unlock',
  alsoPolicies: ['os_compute_api:os-lock-server:unlock:unlock_override'],
  body: bare(anything),
  faults: { InstanceNotFound: 404 },
  async handle(context, deps) {
    const { caller, allow, insist } = context
    const instance = await findServer(deps, caller, context.path.id)
    allow(targetOf(instance))
    const wouldBe = instance.projectId === caller.projectId ? 'owner' : 'admin'
    if (instance.lockedBy !== null && instance.lockedBy !== wouldBe) {
      insist('os_compute_api:os-lock-server:unlock:unlock_override', targetOf(instance))
    }
    await deps.notices.together(deps.store, async tx => {
      await mustChange(tx, deps, instance, { lockedBy: null, lockedReason: null })
      await deps.notices.tell(tx, 'instance.unlock', { instance: instance.id })
    })
    await record(deps, context, instance, 'unlock')
  },
})

export const NoConsole = declareFault(
  'ConsoleNotAvailable',
  'missing',
  () => 'Guest does not have a console available.',
)

export const consoleOutput = op({
  policy: 'os_compute_api:os-console-output',
  body: bare(obj({ length: either(intLike({ pattern: '^-?[0-9]+$', low: -1 }), nil).optional() })),
  reply: reply('output', str),
  faults: { ...faults, ConsoleNotAvailable: 404 },
  async handle({ path, caller, allow, body }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    mustAllow(instance, 'consoleOutput', 'get_console_output', isAdmin(caller))
    if (instance.host === null) throw InstanceNotReady({ id: instance.id })
    const asked = body.length ?? null
    // -1 and nothing mean all of it.
    const lines = asked === null || Number(asked) < 0 ? null : Number(asked)
    const answer = await deps
      .computeOn(instance.host)
      .consoleLog({ id: instance.id, lines })
      .catch(error => {
        const { code } = error as { code?: string }
        if (code === 'InstanceNotFound') throw NoConsole({}, { cause: error })
        if (NoServer.is(error)) throw HostUnavailable({ host: instance.host ?? '' }, { cause: error })
        throw error
      })
    return answer.text
  },
})
