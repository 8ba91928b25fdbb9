import { Command as Commander, Argument as CommanderArgument, InvalidArgumentError, Option } from 'commander'
import { type Argument, BadValue } from './arguments.ts'
import type { Command, CommandGroup } from './command.ts'

/** The command that a command line chose, and what it is told. */
export interface Choice {
  readonly group: CommandGroup
  readonly command: Command
  readonly given: Readonly<Record<string, unknown>>
  readonly asJson: boolean
}

const isOption = (name: string): boolean => name.startsWith('-')

function reader({ kind, read }: Argument<unknown>) {
  return (text: string, before: unknown): unknown => {
    try {
      const value = read(text)
      return kind === 'many' ? [...((before as readonly unknown[] | undefined) ?? []), value] : value
    } catch (error) {
      throw error instanceof BadValue ? new InvalidArgumentError(error.message) : error
    }
  }
}

/** Commander looks at the dashes of a word in angle brackets only to see whether a value may be left out. */
const placeholder = (metavar: string): string => `<${metavar.replace(/^[<[](.*)[\]>]$/, '$1')}>`

function optionOf(name: string, argument: Argument<unknown>): Option {
  if (argument.kind === 'flag') return new Option(name, argument.help)
  const option = new Option(`${name} ${placeholder(argument.metavar)}`, argument.help).argParser(reader(argument))
  return argument.isRequired ? option.makeOptionMandatory() : option
}

/** A value without dashes, named as its metavar says. */
function operandOf(name: string, argument: Argument<unknown>): CommanderArgument {
  const word = argument.metavar === '' ? name : argument.metavar.replace(/^<(.*)>$/, '$1')
  return new CommanderArgument(argument.isRequired ? `<${word}>` : `[${word}]`, argument.help).argParser(
    reader(argument),
  )
}

function programOf(group: CommandGroup, command: Command, choose: (choice: Choice) => void): Commander {
  const program = new Commander(command.name).description(command.help).allowExcessArguments(false)
  const entries = Object.entries(command.arguments)
  const options = new Map<string, Option>()
  const operands = entries.filter(([name]) => !isOption(name))
  for (const [name, argument] of entries.filter(([name]) => isOption(name))) {
    const option = optionOf(name, argument)
    options.set(name, option)
    program.addOption(option)
  }
  for (const [name, argument] of operands) program.addArgument(operandOf(name, argument))
  program.option('--json', 'print JSON')
  program.action((...words: unknown[]) => {
    const opts = program.opts<Record<string, unknown>>()
    const given = entries.map(([name, argument]) => {
      const option = options.get(name)
      const value =
        option === undefined ? words[operands.findIndex(([operand]) => operand === name)] : opts[option.attributeName()]
      return [name, value ?? argument.fallback] as const
    })
    choose({ group, command, given: Object.fromEntries(given), asJson: opts['json'] === true })
  })
  return program
}

/** `nova-manage GROUP COMMAND …` as a commander of its own. */
export function groupProgram(group: CommandGroup, choose: (choice: Choice) => void): Commander {
  const program = new Commander(group.name).description(group.help)
  for (const command of group.commands) program.addCommand(programOf(group, command, choose))
  return program
}

/**
 * As argparse takes them, an option may be cut short as long as only one begins so: `--cell` for `--cell_uuid`. `globals` are
 * the options before the group.
 */
export function completed(
  argv: readonly string[],
  groups: readonly CommandGroup[],
  globals: readonly string[],
): readonly string[] {
  const commandAt = (i: number) =>
    groups.find(group => group.name === argv[i])?.commands.find(command => command.name === argv[i + 1])
  const at = argv.findIndex((_, i) => commandAt(i) !== undefined)
  const own = at < 0 ? [] : [...Object.keys(commandAt(at)?.arguments ?? {}).filter(isOption), '--json', '--help']
  const complete = (word: string, i: number): string => {
    if (!word.startsWith('--') || word === '--') return word
    const [, name = word, value = ''] = /^([^=]*)(=.*)?$/.exec(word) ?? []
    const known = at >= 0 && i > at ? own : globals
    if (known.includes(name) || globals.includes(name)) return word
    const matching = known.filter(option => option.startsWith(name))
    return matching.length === 1 ? `${matching[0]}${value}` : word
  }
  return argv.map(complete)
}
