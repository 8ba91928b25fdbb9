import { setImmediate as turn } from 'node:timers/promises'
import type { Store } from '#store'

/** Enough for other requests to arrive and get as far. */
const turns = 4

/**
 * The same object with some turns of the event loop before every call, as one across a network has: what could race there races
 * here. In one process without it a handler that only reads and writes SQLite would run as a whole.
 */
export const paced = <T extends object>(object: T): T =>
  new Proxy(object, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        for (let i = 0; i < turns; i++) await turn()
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })

/** Every member of the store, inside transactions too. */
export const pacedStore = (store: Store): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name === 'transaction') {
        const transaction: Store['transaction'] = work => target.transaction(tx => work(pacedStore(tx)))
        return transaction
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'object' && member !== null ? paced(member) : member
    },
  })
