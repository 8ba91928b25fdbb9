/** `nova.conf.sample`: every option with its help and default, commented out. */
import type { Option, Section } from './option.ts'
import { sections } from './options/index.ts'

const lineWidth = 78

function wrap(text: string): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(/\s+/)) {
    if (line.length + 1 + word.length > lineWidth && line !== '#') {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

function presetText(option: Option<unknown>): string {
  const { settings } = option
  if (settings.sample !== undefined) return settings.sample
  const preset = typeof option.default === 'function' ? null : option.default
  if (preset === null) return '<None>'
  if (Array.isArray(preset)) return preset.join(',')
  if (typeof preset === 'object') {
    return Object.entries(preset as Record<string, string>)
      .map(([key, value]) => `${key}:${value}`)
      .join(',')
  }
  return String(preset)
}

function entry(name: string, option: Option<unknown>): string {
  const { min, max, choices, mutable, deprecated } = option.settings
  const type = option.isMulti ? 'multi valued' : option.typeName
  return [
    ...wrap(`${option.help} (${type})`),
    ...(mutable === true ? ['# Note: This option can be changed without restarting.'] : []),
    ...(min === undefined ? [] : [`# Minimum value: ${min}`]),
    ...(max === undefined ? [] : [`# Maximum value: ${max}`]),
    ...(choices === undefined ? [] : [`# Possible values: ${choices.map(text => text || "''").join(', ')}`]),
    ...(deprecated ?? []).map(old => `# Deprecated name: ${old.replace('.', '/')}`),
    `#${name} = ${presetText(option)}`.trimEnd(),
    '',
  ].join('\n')
}

export function configSample(): string {
  const all: Readonly<Record<string, Section>> = sections
  return Object.entries(all)
    .map(([section, options]) => {
      const entries = Object.entries(options).map(([name, option]) => entry(name, option))
      return [`[${section}]`, '', ...entries].join('\n')
    })
    .join('\n')
}
