import type { Face } from './face.ts'

export interface LateFace {
  /** The same one each time. */
  get(): Face
  /** Also of one that nobody asked for. */
  close(): Promise<void>
}

/**
 * A face that is made when it is asked for. Its routes are most of the time that a service takes to come up, and whoever
 * only calls the service in process needs none of them.
 */
export function lateFace(make: () => Face): LateFace {
  let face: Face | undefined
  return {
    get: () => {
      face ??= make()
      return face
    },
    close: async () => {
      await face?.close()
    },
  }
}
