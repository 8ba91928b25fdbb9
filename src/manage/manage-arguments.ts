import { Command } from 'commander'
import type { OperatorProgram } from './groups.ts'
import { type Choice, completed, groupProgram } from './kit/parser.ts'

/** A command line of nova-manage or nova-status: where the cloud is, and what shall be done. */
export interface ManageArguments {
  readonly files: readonly string[] | undefined
  readonly dirs: readonly string[] | undefined
  /** State folder of a one-machine cloud, which needs no nova.conf. */
  readonly stateDir: string | undefined
  readonly isDebug: boolean
  readonly logFile: string | undefined
  /** A command, or words to print as they are. */
  readonly what: Choice | string
}

interface Globals {
  readonly configFile?: readonly string[]
  readonly configDir?: readonly string[]
  readonly state?: string
  readonly debug?: boolean
  readonly logFile?: string
}

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Every command, at whatever depth. */
const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)]

/** The groups, or the commands of one: what a shell completes. */
function completions({ groups }: OperatorProgram, group: string | undefined): string {
  if (group === undefined) return groups.map(({ name }) => name).join(' ')
  return (
    groups
      .find(({ name }) => name === group)
      ?.commands.map(({ name }) => name)
      .join(' ') ?? ''
  )
}

/** Help and version end the process with 0, a wrong command line with usage on stderr and 2. */
export function readManageArguments(
  operator: OperatorProgram,
  argv: readonly string[],
  version: string,
): ManageArguments {
  let what: Choice | string | undefined
  const choose = (chosen: Choice | string) => {
    what = chosen
  }
  const program = new Command(operator.name)
    .version(version, '--version', "show program's version number and exit")
    .description(operator.help)
    .option('--config-file <FILE>', 'path to a config file, may be repeated; later ones win', gather)
    .option('--config-dir <DIR>', 'folder of *.conf files, may be repeated', gather)
    .option('--state <DIR>', 'state folder of a one-machine cloud (npm start), instead of config files')
    .option('-d, --debug', 'log at debug level, and tell where an error came from')
    .option('--nodebug', 'the opposite of --debug')
    .option('--log-file <FILE>', 'log into this file instead of stderr')
  for (const group of operator.groups) program.addCommand(groupProgram(group, choose))
  program
    .command('version')
    .description("show program's version number")
    .action(() => choose(version))
  program
    .command('bash-completion')
    .description('print the groups, or the commands of a group, for the shell to complete')
    .argument('[GROUP]')
    .action((group?: string) => choose(completions(operator, group)))
  for (const command of all(program))
    command.showHelpAfterError().exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  const globals = program.options.flatMap(option => option.long ?? [])
  program.parse([...completed(argv, operator.groups, globals)], { from: 'user' })
  // Without a command, commander has shown the help and left.
  if (what === undefined) throw new Error('no command was given')
  const given = program.opts<Globals>()
  return {
    files: given.configFile,
    dirs: given.configDir,
    stateDir: given.state,
    isDebug: given.debug === true,
    logFile: given.logFile,
    what,
  }
}
