/**
 * SQL's LIKE, in any case: `%` is any text, `_` any character. Walks back to the last `%` only, so its time is bounded by the
 * product of the lengths, whatever the pattern.
 */
export function isLike(text: string, pattern: string): boolean {
  const [t, p] = [text.toLowerCase(), pattern.toLowerCase()]
  let [at, inPattern] = [0, 0]
  let lastAny = -1
  let retryAt = 0
  while (at < t.length) {
    const wanted = p[inPattern]
    if (wanted === '%') {
      lastAny = inPattern++
      retryAt = at
    } else if (wanted === '_' || wanted === t[at]) {
      inPattern++
      at++
    } else if (lastAny >= 0) {
      inPattern = lastAny + 1
      at = ++retryAt
    } else return false
  }
  while (p[inPattern] === '%') inPattern++
  return inPattern === p.length
}
