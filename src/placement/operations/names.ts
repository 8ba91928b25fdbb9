import { firstCustomClassId } from '#model'
import { NameExists, NameInUse } from '../faults.ts'
import type { Write } from '../ledger.ts'
import { addNames, type Dictionary, removeName, renameName } from '../store/names.ts'
import { touchHoldersOfClass } from '../store/providers.ts'

/** Adds those that do not exist yet; says whether there were any. */
export async function ensureNames(write: Write, dictionary: Dictionary, names: readonly string[]): Promise<boolean> {
  const table = dictionary === 'traits' ? write.snapshot.traits : write.snapshot.classes
  const missing = [...new Set(names)].filter(name => !table.has(name))
  if (missing.length === 0) return false
  // The first custom class needs its id named; from then on the table counts for itself.
  const firstId =
    dictionary === 'resource_classes' && table.largestId < firstCustomClassId ? { firstId: firstCustomClassId } : {}
  await addNames(write.tx, dictionary, missing, write.stamp.nowMs, firstId.firstId)
  await write.namesChanged()
  return true
}

/** Only the API before version 1.7 could rename a class. */
export async function renameClass(write: Write, from: string, to: string): Promise<void> {
  const { classes } = write.snapshot
  if (classes.has(to) && from !== to) throw NameExists({ name: to })
  await renameName(write.tx, 'resource_classes', classes.id(from), to, write.stamp.nowMs)
  // Providers carry the name in memory, so they count as changed.
  await touchHoldersOfClass(write.tx, classes.id(from), write.stamp)
  await write.namesChanged()
}

/** Removes a custom name that no provider uses. */
export async function removeUnused(write: Write, dictionary: Dictionary, name: string): Promise<void> {
  const { snapshot, tx } = write
  for (const node of snapshot.providers) {
    if (dictionary === 'traits' ? node.traits.has(name) : node.stocks.has(name)) throw NameInUse({ name })
  }
  await removeName(tx, dictionary, (dictionary === 'traits' ? snapshot.traits : snapshot.classes).id(name))
  await write.namesChanged()
}
