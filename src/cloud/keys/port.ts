import { declareFault } from '#base'

export const KeyNotFound = declareFault(
  'KeyNotFound',
  'missing',
  (p: { id: string }) => `Key manager: no secret with id ${p.id}.`,
)

export interface Key {
  readonly id: string
  readonly secret: Uint8Array
}

/** Where secrets are that servers need for as long as they are: of their TPMs, of what is encrypted on their disks. */
export interface KeyPort {
  /** The secret of this name; made of random bytes when there is none. Asked twice, the same one. */
  ensure(name: string, bytes: number): Promise<Key>
  /** Throws KeyNotFound. */
  get(id: string): Promise<Key>
  /** By the name it was made under. Gone already: nothing to do. */
  forget(name: string): Promise<void>
}
