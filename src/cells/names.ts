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

/** Nova's limit, and its column's. */
const mostCharacters = 255

/** Returns the name; `InvalidCellName` with the reason. */
export function checkedName(name: string): string {
  const refuse = (reason: string) => CellNameInvalid({ name, reason })
  if (name === '') throw refuse('it is empty')
  if (name.length > mostCharacters) throw refuse(`it has more than ${mostCharacters} characters`)
  if (name.includes(separator)) throw refuse("it contains '!', which stands between names in a path")
  if (name.includes('.')) throw refuse("it contains '.'")
  if (name !== name.trim()) throw refuse('it begins or ends with a blank')
  return name
}
