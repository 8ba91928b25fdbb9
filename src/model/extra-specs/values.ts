/** What an extra spec may hold; each rule answers with Nova's complaint, or undefined when the value will do. */
export type ValueRule = (value: string) => string | undefined

export const anyText: ValueRule = () => undefined

/**
 * The whole value must fit; the pattern is quoted as it stands. `same` takes the same texts where Nova's own pattern would try
 * more ways than there is time for.
 */
export const ofForm =
  (pattern: string, same: RegExp = new RegExp(`^(?:${pattern})$`)): ValueRule =>
  value =>
    same.test(value) ? undefined : `'${value}' is not of the format '${pattern}'.`

export const oneOfWords = (...words: readonly string[]): ValueRule => {
  const known = new Set(words)
  return value => (known.has(value) ? undefined : `'${value}' is not one of: ${words.join(', ')}.`)
}

const wholeNumber = /^\s*[+-]?\d+(_\d+)*\s*$/

export const wholeFrom =
  (min?: number, max?: number): ValueRule =>
  value => {
    if (!wholeNumber.test(value)) return `'${value}' is not a valid integer value.`
    const number = Number(value.replaceAll('_', ''))
    if (max !== undefined && number > max) return `'${number}' is greater than the max value of '${max}'.`
    if (min !== undefined && number < min) return `'${number}' is less than the min value of '${min}'.`
    return undefined
  }

const flagWords = new Set(['1', 't', 'true', 'on', 'y', 'yes', '0', 'f', 'false', 'off', 'n', 'no'])

export const flag: ValueRule = value =>
  flagWords.has(value.trim().toLowerCase()) ? undefined : `'${value}' is not a valid boolean-like value.`
