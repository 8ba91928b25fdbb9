import { type FaultRecord, faultRecord, instanceId } from '#base'
import type { ComputeContract, Handlers, Sending } from '#bus'
import type { CopyProgress } from '#model'
import { type CopyStep, HypervisorError, type VirtDriver } from '#virt'
import type { GuestActors } from './guest-actors.ts'

type MoveHandlers = Pick<
  Handlers<ComputeContract>,
  | 'moveAbilities'
  | 'offerMove'
  | 'receiveMove'
  | 'discardMove'
  | 'confirmMove'
  | 'revertMove'
  | 'describeMigration'
  | 'refuseMigration'
  | 'prepareIncoming'
  | 'discardIncoming'
  | 'sendGuest'
  | 'sending'
  | 'abortSending'
  | 'forceComplete'
  | 'forgetGuest'
>

function cold({ coldMigration }: VirtDriver) {
  if (coldMigration === undefined)
    throw HypervisorError({ operation: 'resize', reason: 'this hypervisor cannot move guests' })
  return coldMigration
}

function live({ liveMigration }: VirtDriver) {
  if (liveMigration === undefined)
    throw HypervisorError({ operation: 'live migration', reason: 'this hypervisor cannot move running guests' })
  return liveMigration
}

const tell = (phase: Sending['phase'], progress: CopyProgress | null, failure: FaultRecord | null = null): Sending => ({
  phase,
  progress,
  failure,
})

const tellStep = ({ isPostCopy, ...progress }: CopyStep): Sending => ({
  ...tell('copying', progress),
  ...(isPostCopy === undefined ? {} : { isPostCopy }),
})

/** One copy of a running guest, and how it stands. */
class Copy {
  readonly key: string
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  state: Sending = tell('copying', null)

  constructor(key: string, start: (signal: AbortSignal) => AsyncIterable<CopyStep>) {
    this.key = key
    this.#ended = this.#run(start)
  }

  async abort(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(start: (signal: AbortSignal) => AsyncIterable<CopyStep>): Promise<void> {
    try {
      for await (const step of start(this.#stop.signal)) this.state = tellStep(step)
      this.state = tell('done', this.state.progress)
    } catch (error) {
      this.state = tell('failed', this.state.progress, faultRecord(error))
    }
  }
}

/** The newest copy of each guest that this process has made; asked for by the key of the operation it belongs to. */
class Copies {
  readonly #copies = new Map<string, Copy>()

  stateOf(id: string, key: string): Sending {
    const copy = this.#copies.get(id)
    return copy?.key === key ? copy.state : tell('none', null)
  }

  begin(id: string, key: string, start: (signal: AbortSignal) => AsyncIterable<CopyStep>): void {
    if (this.#copies.get(id)?.key !== key) this.#copies.set(id, new Copy(key, start))
  }

  async abort(id: string, key: string): Promise<Sending> {
    const copy = this.#copies.get(id)
    if (copy?.key === key) await copy.abort()
    return this.stateOf(id, key)
  }
}

/** Moves of guests from and to this host. */
export function moveHandlers(driver: VirtDriver, actors: GuestActors): MoveHandlers {
  const copies = new Copies()
  const inTurn = async (id: string, work: () => Promise<void>) => {
    await actors.run(id, 'move', work)
    return null
  }
  const stateOf = (id: string) => driver.guest(instanceId(id)).state()
  return {
    moveAbilities: async () => ({
      cold: driver.coldMigration !== undefined,
      live: driver.liveMigration !== undefined,
    }),
    offerMove: ({ spec, gracefulMs }) => actors.run(spec.id, 'move', () => cold(driver).offer(spec, { gracefulMs })),
    receiveMove: ({ offer, spec, isOn }) =>
      actors.run(spec.id, 'move', async () => {
        await cold(driver).receive(offer, spec, { isOn })
        return stateOf(spec.id)
      }),
    // What was never begun here is taken back without complaint.
    discardMove: ({ id }) =>
      inTurn(id, () => driver.coldMigration?.discard(instanceId(id)) ?? driver.guest(instanceId(id)).destroy()),
    confirmMove: ({ id }) => inTurn(id, async () => driver.coldMigration?.confirm(instanceId(id))),
    revertMove: ({ spec, isOn }) =>
      actors.run(spec.id, 'move', async () => {
        await driver.coldMigration?.revert(spec, { isOn })
        return stateOf(spec.id)
      }),
    describeMigration: ({ id }) => live(driver).describe(instanceId(id)),
    refuseMigration: async ({ needs, withDisks }) => ({
      reason: (await live(driver).refusal(needs, { withDisks })) ?? null,
    }),
    prepareIncoming: ({ spec, needs }) => actors.run(spec.id, 'move', () => live(driver).prepareIncoming(spec, needs)),
    discardIncoming: ({ id }) => inTurn(id, async () => driver.liveMigration?.discardIncoming(instanceId(id))),
    sendGuest: async ({ id, key, landing, withDisks }) => {
      const { send } = live(driver)
      copies.begin(id, key, signal => send(instanceId(id), landing, { withDisks }, signal))
      return null
    },
    sending: async ({ id, key }) => copies.stateOf(id, key),
    abortSending: async ({ id, key }) => {
      const sending = await copies.abort(id, key)
      // Nobody may know here of a copy that the process before this one has begun.
      if (sending.phase === 'none') await driver.liveMigration?.settle(instanceId(id))
      return sending
    },
    forceComplete: async ({ id }) => {
      await live(driver).forceComplete(instanceId(id))
      return null
    },
    forgetGuest: ({ id }) => inTurn(id, async () => driver.liveMigration?.forget(instanceId(id))),
  }
}
