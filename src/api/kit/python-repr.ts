const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (c: string): string => {
  const known = escapes[c]
  if (known !== undefined) return known
  const code = c.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}

function stringRepr(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
  const body = value.replace(/\\|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, escaped)
  return quote + (quote === "'" ? body.replaceAll("'", "\\'") : body) + quote
}

/** Python's repr() of a JSON value: the values in Nova's error messages are printed this way. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return stringRepr(value)
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${stringRepr(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`
  }
  return String(value)
}

/** Python's str(): like repr, but a string stands bare. */
export const pythonStr = (value: unknown): string => (typeof value === 'string' ? value : pythonRepr(value))
