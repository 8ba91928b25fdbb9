import type { CandidateQuery } from '#cloud'
import type { Snapshot } from '../engine/snapshot.ts'
import { NoSuchResourceClass, NoSuchTrait } from '../faults.ts'

/** Refuses traits and resource classes that nobody has ever heard of. */
export function checkQuery(snapshot: Snapshot, query: CandidateQuery): void {
  checkClasses(
    snapshot,
    query.groups.flatMap(group => Object.keys(group.resources)),
  )
  checkTraits(snapshot, [
    ...query.groups.flatMap(group => [...group.required.flat(), ...group.forbidden]),
    ...query.rootRequired,
    ...query.rootForbidden,
  ])
}

export function checkClasses(snapshot: Snapshot, names: readonly string[]): void {
  for (const name of names) if (!snapshot.classes.has(name)) throw NoSuchResourceClass({ name })
}

export function checkTraits(snapshot: Snapshot, names: readonly string[]): void {
  const unknown = [...new Set(names)].filter(name => !snapshot.traits.has(name))
  if (unknown.length > 0) throw NoSuchTrait({ names: unknown.sort() })
}
