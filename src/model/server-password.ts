/**
 * The password that a guest has left behind, encrypted for its owner: in the server's system metadata, whose values are at
 * most 255 characters long, in four parts.
 */
const parts = 4
const partLength = 255

export const longestServerPassword = parts * partLength

/** Empty when the guest has left none. */
export const serverPassword = (systemMetadata: Readonly<Record<string, string>>): string =>
  Object.keys(systemMetadata)
    .filter(key => key.startsWith('password_'))
    .sort()
    .map(key => systemMetadata[key])
    .join('')

export function withServerPassword(
  systemMetadata: Readonly<Record<string, string>>,
  password: string,
): Readonly<Record<string, string>> {
  const changed = { ...systemMetadata }
  for (let part = 0; part < parts; part++) {
    changed[`password_${part}`] = password.slice(part * partLength, (part + 1) * partLength)
  }
  return changed
}
