import type { FaultRecord } from '#base'
import { type AboutOf, type EventType, type Failure, type Initiator, type Notices, noNotices } from '#notify'
import { type Listener, SagaCancelled, type SagaRow, type Telling, type Told } from '#saga'
import type { Store } from '#store'
import type { ConductorDeps } from './deps.ts'

export const noticesOf = ({ notices = noNotices }: Pick<ConductorDeps, 'notices'>): Notices => notices

/** What the saga's own row says of every event: which server it is about, and what went wrong. */
type Known = 'instance' | 'instanceId' | 'failure'
type Said<E extends EventType> = AboutOf<E> extends infer A ? Omit<A, Known> & Partial<Pick<A, Known & keyof A>> : never

/** One notification in a definition. `about`: what its payload needs besides the server and the failure. */
export const say = <E extends EventType, S>(
  event: E,
  about?: (s: S, failure: FaultRecord | undefined) => Said<E> | undefined,
  after?: string,
): Telling<S> => ({
  event,
  ...(about === undefined ? {} : { about }),
  ...(after === undefined ? {} : { after }),
})

/** Somebody has taken it back: no error of ours. */
export const isCancel = (failure: FaultRecord | undefined): boolean => failure?.code === SagaCancelled.code

export const failureOf = (name: string, fault: FaultRecord): Failure => ({
  fault,
  module: 'nova.conductor.sagas',
  function: name.replaceAll('-', '_'),
})

async function askedBy({ store }: ConductorDeps, { instanceId, input }: SagaRow): Promise<Initiator> {
  const requestId = (input as { readonly requestId?: string } | null)?.requestId ?? null
  const action = instanceId === null || requestId === null ? undefined : await store.actions.find(instanceId, requestId)
  return { requestId, userId: action?.userId ?? null, projectId: action?.projectId ?? null }
}

/** Tells what definitions say, and of every failure that is not a cancel. */
export function sagaListener(deps: ConductorDeps): Listener<Store> | undefined {
  const notices = noticesOf(deps)
  if (!notices.isOn) return undefined
  return {
    around: async (row, work) => notices.as(await askedBy(deps, row), work),
    tell: (tx: Store, { name, instanceId }: SagaRow, { event, about, failure }: Told) =>
      notices.tell(
        tx,
        event as EventType,
        {
          instance: instanceId,
          instanceId,
          ...(failure === undefined ? {} : { failure: failureOf(name, failure) }),
          ...about,
        } as never,
      ),
  }
}
