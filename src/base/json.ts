export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type JsonRecord = { [key: string]: Json }

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads JSON that this program wrote itself (journals, JSON columns); a damaged text is a bug, so it throws. */
export const fromJson = <T>(text: string): T => JSON.parse(text) as T

/** Deeper than any body of any API, far from the end of the stack of what walks through it. */
const maxDepth = 200

const [quote, backslash] = [34, 92]
const opening = new Set([91, 123])
const closing = new Set([93, 125])

function isTooDeep(text: string): boolean {
  let depth = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isQuoted) {
      if (code === backslash) i++
      else if (code === quote) isQuoted = false
    } else if (code === quote) isQuoted = true
    else if (opening.has(code)) {
      if (++depth > maxDepth) return true
    } else if (closing.has(code)) depth--
  }
  return false
}

/** Half of a character: no text that could be stored or sent. As JSON.stringify writes it. */
const halfCharacter = /(?<!\\)(?:\\\\)*\\ud[89a-f]/
const mayHaveHalf = /\\u[dD][89a-fA-F]/
const mayBeInfinite = /\d{300}|[eE]\+?\d{3}/

const onlyFinite = (_key: string, value: unknown): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new SyntaxError('a number in JSON is too large')
  return value
}

/**
 * Reads JSON that came from outside. A `SyntaxError` also when it is nested so deeply that walking through it would fail,
 * and when it holds what would be something else when it is written again: halves of characters, numbers beyond all bounds.
 */
export function parseForeignJson(text: string): unknown {
  if (text.length > 2 * maxDepth && isTooDeep(text)) throw new SyntaxError('JSON is nested too deeply')
  const value: unknown = mayBeInfinite.test(text) ? JSON.parse(text, onlyFinite) : JSON.parse(text)
  if (mayHaveHalf.test(text) && halfCharacter.test(JSON.stringify(value))) {
    throw new SyntaxError('JSON holds half of a character')
  }
  return value
}
