import { type CommandGroup, command } from '../kit/command.ts'
import { type Finding, type Verdict, verdictNames } from './check.ts'
import { upgradeChecks } from './checks.ts'

/** Letters in a line of details. */
const width = 60

/** Cut at spaces; the lines after the first are moved in. */
function detailLines(details: string): readonly string[] {
  const lines: string[] = []
  for (const word of details.split(/\s+/)) {
    const line = lines.at(-1)
    if (line === undefined) lines.push(word)
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(`  ${word}`)
  }
  return lines.map((line, i) => (i === 0 ? `Details: ${line}` : line))
}

const title = 'Upgrade Check Results'

/** A table of one column, a rule between two checks. */
function drawn(findings: readonly (Finding & { readonly name: string })[]): string {
  const cells = findings.map(({ name, verdict, details }) => [
    `Check: ${name}`,
    `Result: ${verdictNames[verdict]}`,
    ...detailLines(details ?? 'None'),
  ])
  const widest = Math.max(...[[title], ...cells].flat().map(line => line.length))
  const rule = `+${'-'.repeat(widest + 2)}+`
  const rows = [[title], ...cells].map(lines => lines.map(line => `| ${line.padEnd(widest)} |`).join('\n'))
  return [rule, ...rows.flatMap(row => [row, rule])].join('\n')
}

/** Exit 0: all is well; 1: with warnings; 2: something has to be done first; 255: it could not be found out. */
const check = command({
  name: 'check',
  help: 'Look for what has to be done before the services of this release are started.',
  arguments: {},
  async run(_, { world }) {
    const findings: (Finding & { readonly name: string })[] = []
    for (const { name, run } of upgradeChecks) findings.push({ name, ...(await run(world)) })
    const exitCode = findings.reduce<Verdict>((most, { verdict }) => (verdict > most ? verdict : most), 0)
    const checks = findings.map(({ name, verdict, details = null }) => ({
      check: name,
      result: verdictNames[verdict].toLowerCase(),
      details,
    }))
    return { exitCode, text: drawn(findings), value: { name: title, checks } }
  },
})

/** `nova-status upgrade …` */
export const upgrade: CommandGroup = { name: 'upgrade', help: 'readiness for this release', commands: [check] }
