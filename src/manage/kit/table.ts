type Align = 'left' | 'center'

const cellText = (value: unknown): string => {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** An odd space goes to the right of a text of odd length, to the left of another. */
function centered(text: string, width: number): string {
  const space = width - text.length
  const left = Math.floor(space / 2) + (space % 2 === 1 && text.length % 2 === 0 ? 1 : 0)
  return `${' '.repeat(left)}${text}${' '.repeat(space - left)}`
}

/** A table as Python's prettytable draws it, which scripts cut at its bars. */
export function table(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  { align = 'center' }: { align?: Align } = {},
): string {
  const lines = [head, ...rows.map(row => row.map(cellText))]
  const widths = head.map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)))
  const rule = `+${widths.map(width => '-'.repeat(width + 2)).join('+')}+`
  const drawn = lines.map(line => {
    const cells = widths.map((width, i) => {
      const text = line[i] ?? ''
      return align === 'left' ? text.padEnd(width) : centered(text, width)
    })
    return `| ${cells.join(' | ')} |`
  })
  const [top = '', ...rest] = drawn
  return [rule, top, rule, ...rest, rule].join('\n')
}
