import type { AboutOf, Desk } from '../build/about.ts'
import type { Described } from '../build/index.ts'
import type { EventType } from '../events.ts'

export interface Unversioned {
  readonly eventType: string
  readonly payload: unknown
}

export function unversioned<E extends EventType>(
  _event: E,
  _desk: Desk,
  _about: AboutOf<E>,
  _found: Described,
): Unversioned | undefined {
  return undefined
}
