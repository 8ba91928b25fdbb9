import { KeyedQueues, SerialQueue } from '#base'

/** What may be asked of one guest. `destroy` is for ever; the others follow each other. */
export type GuestOperation =
  | 'spawn'
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'unpause'
  | 'attach'
  | 'detach'
  | 'swap'
  | 'move'
  | 'snapshot'
  | 'destroy'
  | 'suspend'
  | 'resume'
  | 'rescue'
  | 'unrescue'
  | 'rebuild'
  | 'setPassword'

/** Operations that wait for the guest itself; a destroy does not wait for them, it makes their waiting end. */
const waitsForTheGuest: ReadonlySet<GuestOperation> = new Set([
  'stop',
  'reboot',
  'setPassword',
  'detach',
  'swap',
  'suspend',
  'rescue',
  'rebuild',
])

interface Actor {
  readonly queue: SerialQueue
  running: GuestOperation | undefined
}

/**
 * One queue per guest: operations on a guest follow each other in order of arrival, guests do not wait for one another.
 *
 * A destroy overtakes: when the running operation only waits for the guest to obey, it starts at once; pulling the plug is
 * what ends that wait. Operations that make something (spawn, attach) are let finish, so that destroy sees all there is.
 */
export class GuestActors {
  readonly #actors = new Map<string, Actor>()
  readonly #destroys = new KeyedQueues<string>()

  async run<T>(id: string, operation: GuestOperation, task: () => Promise<T>): Promise<T> {
    const actor = this.#actors.get(id) ?? { queue: new SerialQueue(), running: undefined }
    this.#actors.set(id, actor)
    const tracked = async () => {
      actor.running = operation
      try {
        return await task()
      } finally {
        actor.running = undefined
      }
    }
    try {
      const overtakes = operation === 'destroy' && actor.running !== undefined && waitsForTheGuest.has(actor.running)
      return await (overtakes ? this.#destroys.run(id, task) : actor.queue.run(tracked))
    } finally {
      if (actor.queue.length === 0) this.#actors.delete(id)
    }
  }
}
