/** Nova's limit, and its column's. */
const mostCharacters = 255

/** Why a cell of a tree cannot be called so; undefined: it can. */
export function wrongInCellName(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > mostCharacters) return `it has more than ${mostCharacters} characters`
  if (name.includes('!')) return "it contains '!', which stands between names in a path"
  if (name.includes('.')) return "it contains '.'"
  return name === name.trim() ? undefined : 'it begins or ends with a blank'
}
