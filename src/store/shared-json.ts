import { fromJson } from '#base'

/** Distinct texts kept; a cloud has a few dozen flavors and images in use. */
const kept = 200

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}

/**
 * Reads JSON of columns in which thousands of rows have the same few texts: each text is parsed once. What it gives is
 * shared by all rows, therefore frozen.
 */
export function sharedJson<T>(): (text: string) => T {
  const known = new Map<string, T>()
  return text => {
    const before = known.get(text)
    if (before !== undefined) return before
    if (known.size >= kept) known.clear()
    const value = freeze(fromJson<T>(text))
    known.set(text, value)
    return value
  }
}
