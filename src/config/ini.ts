/**
 * The file syntax of oslo.config, which no INI package reads right: repeated keys are lists, a line that starts with
 * blanks continues the value, `:` and `=` both assign, `#` and `;` open a comment only at the start of a line.
 */
import { ConfigFileMalformed } from './faults.ts'

export interface Assignment {
  readonly section: string
  readonly key: string
  readonly value: string
  readonly line: number
}

/** Sections other than DEFAULT do not distinguish case; option names may be written with dashes. */
export const sectionName = (text: string): string => (text === 'DEFAULT' ? text : text.toLowerCase())
export const optionName = (text: string): string => text.replaceAll('-', '_')

function split(line: string): { key: string; value: string } | undefined {
  const at = line.search(/[:=]/)
  if (at < 0) return undefined
  const value = line.slice(at + 1).trim()
  const isQuoted = value !== '' && value[0] === value.at(-1) && (value[0] === '"' || value[0] === "'")
  return { key: line.slice(0, at).trim(), value: isQuoted ? value.slice(1, -1) : value }
}

/** Reads one file's text; `file` is for the message of a fault. */
export function parseIni(text: string, file: string): Assignment[] {
  const assignments: Assignment[] = []
  let section: string | undefined
  let open: { key: string; lines: string[]; line: number } | undefined
  const refuse = (line: number, reason: string) => ConfigFileMalformed({ place: `${file}:${line}`, reason })
  const close = () => {
    if (open === undefined) return
    if (section === undefined) throw refuse(open.line, 'Section must be started before assignment')
    assignments.push({ section, key: optionName(open.key), value: open.lines.join('\n'), line: open.line })
    open = undefined
  }
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trimEnd()
    const number = index + 1
    if (/^[ \t]/.test(line)) {
      if (open === undefined) throw refuse(number, 'Unexpected continuation line')
      open.lines.push(line.trimStart())
      continue
    }
    close()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    if (line.startsWith('[')) {
      if (!line.endsWith(']')) throw refuse(number, 'Invalid section (must end with ])')
      if (line.length <= 2) throw refuse(number, 'Empty section name')
      section = sectionName(line.slice(1, -1))
      continue
    }
    const parts = split(line)
    if (parts === undefined) throw refuse(number, "No ':' or '=' found in assignment")
    if (parts.key === '') throw refuse(number, 'Key cannot be empty')
    open = { key: parts.key, lines: [parts.value], line: number }
  }
  close()
  return assignments
}
