import { styleText } from 'node:util'
import type { Row } from './figures.ts'
import { type Machine, machineLines } from './machine.ts'

const number = (value: number | undefined): string => {
  if (value === undefined) return ''
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const head = ['', 'p50', 'p95', '', 'aim', 'met']

export function table(machine: Machine, rows: readonly Row[]): string {
  const lines = rows.map(({ what, p50, p95, unit, aim }) => [
    what,
    number(p50),
    number(p95),
    unit,
    aim?.text ?? '',
    aim === undefined ? '' : aim.isMet ? 'yes' : 'NO',
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map(line => line[i]?.length ?? 0)))
  const isNumber = (i: number) => i === 1 || i === 2
  const format = (line: readonly string[]) =>
    line
      .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  const out = [machineLines(machine), '', format(head)]
  let group = ''
  for (const [i, row] of rows.entries()) {
    if (row.group !== group) out.push(styleText('bold', row.group))
    group = row.group
    out.push(format(lines[i] ?? []))
  }
  return `${out.join('\n')}\n`
}
