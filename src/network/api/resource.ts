import type { Unit, Work } from '../core/unit.ts'
import type { Attributes, Values } from './attributes.ts'
import type { Reading, Requester } from './context.ts'
import type { Wire } from './listing.ts'

/** What a list may be narrowed to in the database already; the rest is filtered afterwards. */
export interface Narrow {
  readonly ids?: readonly string[]
  readonly networkIds?: readonly string[]
  readonly deviceIds?: readonly string[]
  readonly groupIds?: readonly string[]
  readonly portIds?: readonly string[]
}

export interface Writing {
  readonly unit: Unit
  readonly requester: Requester
}

/** One Neutron resource: its attributes, and what create, change and delete mean. */
export interface Resource<A extends Attributes = Attributes> {
  /** `security_group`, `security_groups`, `security-groups`. */
  readonly singular: string
  readonly plural: string
  readonly path: string
  readonly attributes: A
  /** Before a list or show: makes what must exist by then. */
  prepare?(reading: Reading, work: Work): Promise<void>
  /** What the requester may see, in order of creation. */
  list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]>
  missing(id: string): Error
  /** Returns the new id. */
  create(writing: Writing, values: Values<A>): Promise<string>
  /** `seen` is the resource as `list` shows it. Undefined: there is no update. */
  update?(writing: Writing, seen: Wire, values: Values<A>): Promise<void>
  remove(writing: Writing, seen: Wire): Promise<void>
  /** May this requester change or delete what it sees? Default: only the owner (and administrators). */
  mayChange?(requester: Requester, seen: Wire): boolean
}

/** A resource with its own attribute types hidden, as the routes see it. */
export type AnyResource = Omit<Resource, 'create' | 'update'> & {
  create(writing: Writing, body: Readonly<Record<string, unknown>>): Promise<string>
  update?(writing: Writing, seen: Wire, body: Readonly<Record<string, unknown>>): Promise<void>
}
