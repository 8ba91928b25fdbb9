type Compare = (value: string, operand: string) => boolean

const numeric =
  (compare: (a: number, b: number) => boolean): Compare =>
  (value, operand) => {
    const [a, b] = [Number(value), Number(operand)]
    return value.trim() !== '' && operand.trim() !== '' && !Number.isNaN(a) && !Number.isNaN(b) && compare(a, b)
  }

const operators = new Map<string, Compare>([
  // `=` has meant "at least" since the first release; flavors rely on it.
  ['=', numeric((a, b) => a >= b)],
  ['==', numeric((a, b) => a === b)],
  ['!=', numeric((a, b) => a !== b)],
  ['<=', numeric((a, b) => a <= b)],
  ['>=', numeric((a, b) => a >= b)],
  ['s==', (a, b) => a === b],
  ['s!=', (a, b) => a !== b],
  ['s<', (a, b) => a < b],
  ['s<=', (a, b) => a <= b],
  ['s>', (a, b) => a > b],
  ['s>=', (a, b) => a >= b],
  ['<in>', (a, b) => a.includes(b)],
])

/** True if a host's value satisfies an extra spec in Nova's little language: `<or> a <or> b`, `s== x`, `>= 4`. */
export function matchesExtraSpec(value: string, required: string): boolean {
  const [operator, ...operands] = required.split(/\s+/).filter(word => word !== '')
  if (operator === '<or>') return operands.some((word, place) => place % 2 === 0 && word === value)
  if (operator === '<all-in>') return operands.length > 0 && operands.every(word => value.includes(word))
  const compare = operator === undefined ? undefined : operators.get(operator)
  if (compare === undefined) return value === required
  const [operand] = operands
  return operand !== undefined && compare(value, operand)
}
