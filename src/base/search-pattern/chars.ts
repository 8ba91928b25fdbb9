/** Whether a code point belongs. */
export type CharTest = (code: number) => boolean

export const single =
  (wanted: number): CharTest =>
  code =>
    code === wanted

export const negated =
  (test: CharTest): CharTest =>
  code =>
    !test(code)

export const charClass = (parts: readonly CharTest[]): CharTest => {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : code => parts.some(part => part(code))
}

const unicode =
  (form: RegExp): CharTest =>
  code =>
    form.test(String.fromCodePoint(code))

const isDigit = unicode(/^\p{Nd}$/u)
const isBlank = unicode(/^[\s\u0085]$/u)
/** Python counts the four separators of ASCII. */
const isSpace: CharTest = code => (code >= 28 && code <= 31) || isBlank(code)
const isOtherWord = unicode(/^[\p{L}\p{N}]$/u)

export const isWord: CharTest = code =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 95 ||
  (code > 127 && isOtherWord(code))

const shorthands: Readonly<Record<string, CharTest>> = {
  d: isDigit,
  D: negated(isDigit),
  s: isSpace,
  S: negated(isSpace),
  w: isWord,
  W: negated(isWord),
}

/** `\d`, `\w` and so on. */
export const shorthand = (letter: string): CharTest | undefined =>
  Object.hasOwn(shorthands, letter) ? shorthands[letter] : undefined
