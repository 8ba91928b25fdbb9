import { wrongInCellName } from '#model'
import { CellNameInvalid } from './faults.ts'

/** Names of cells, and paths through their tree: `api!west!far`. */

export const separator = '!'

export const pathOf = (...names: readonly string[]): string => names.join(separator)
export const namesOf = (path: string): readonly string[] => path.split(separator)
/** The same way from its other end. */
export const inverted = (path: string): string => pathOf(...namesOf(path).toReversed())

/** Of the cells with this path, and all below. */
export const isWithin = (path: string, above: string): boolean =>
  path === above || path.startsWith(`${above}${separator}`)

/** Returns the name; `InvalidCellName` with the reason. */
export function checkedName(name: string): string {
  const reason = wrongInCellName(name)
  if (reason !== undefined) throw CellNameInvalid({ name, reason })
  return name
}
