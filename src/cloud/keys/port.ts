import { declareFault } from '#base'
import type { As } from '../glance/port.ts'

export const KeyNotFound = declareFault(
  'KeyNotFound',
  'missing',
  (p: { id: string }) => `Key manager: no secret with id ${p.id}.`,
)
/** The key manager does not let this caller do that. */
export const KeyForbidden = declareFault(
  'KeyForbidden',
  'refused',
  (p: { reason: string }) => `Key manager: ${p.reason}`,
  403,
)
/** Nova's word for a key manager that cannot do what is asked, or is not there. */
export const KeyManagerError = declareFault(
  'KeyManagerError',
  'final',
  (p: { reason: string }) => `key manager error: ${p.reason}`,
)
export const KeyManagerUnavailable = declareFault(
  'KeyManagerError',
  'transient',
  (p: { reason: string }) => `key manager error: ${p.reason}`,
)

export interface Key {
  readonly id: string
  readonly secret: Uint8Array
}

/**
 * Where secrets are that servers need for as long as they are: of their TPMs, of their encrypted disks; and those of
 * others that servers use: keys of encrypted volumes, certificates. Secrets are their users': `as` says in whose name
 * something is done, and what Nova needs when no user is there to ask, it is allowed to read when it is made or shared.
 */
export interface KeyPort {
  /** The passphrase of this name: text, made of so many random bytes when there is none. Asked twice, the same one. */
  ensure(as: As, name: string, bytes: number): Promise<Key>
  /** Throws KeyNotFound or KeyForbidden. */
  get(as: As, id: string): Promise<Key>
  /** Nova itself may read it from now on. Throws KeyNotFound or KeyForbidden. */
  share(as: As, id: string): Promise<void>
  /** Gone already: nothing to do. Throws KeyForbidden. */
  remove(as: As, id: string): Promise<void>
  /** The same by the name that it was made under. */
  forget(as: As, name: string): Promise<void>
}
