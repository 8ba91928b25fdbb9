import { Command } from 'commander'
import type { ManageCommand } from './manage-command.ts'
import { schedulerCommands } from './scheduler/commands.ts'

/** A command line of nova-manage: where the cloud is, and what shall be done. */
export interface ManageArguments {
  readonly files: readonly string[] | undefined
  readonly dirs: readonly string[] | undefined
  /** State folder of a one-machine cloud, which needs no nova.conf. */
  readonly stateDir: string | undefined
  readonly run: ManageCommand
}

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Every command, at whatever depth. */
const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)]

/** Help and version end the process with 0, a wrong command line with usage on stderr and 2. */
export function readManageArguments(argv: readonly string[], version: string): ManageArguments {
  let run: ManageCommand | undefined
  const program = new Command('nova-manage')
    .version(version, '--version', "show program's version number and exit")
    .description('Commands for the operator of the cloud.')
    .option('--config-file <FILE>', 'path to a config file, may be repeated; later ones win', gather)
    .option('--config-dir <DIR>', 'folder of *.conf files, may be repeated', gather)
    .option('--state <DIR>', 'state folder of a one-machine cloud (npm start), instead of config files')
  program.addCommand(
    schedulerCommands(command => {
      run = command
    }),
  )
  for (const command of all(program))
    command.showHelpAfterError().exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  program.parse([...argv], { from: 'user' })
  // Without a command, commander has shown the help and left.
  if (run === undefined) throw new Error('no command was given')
  const given = program.opts<{ configFile?: readonly string[]; configDir?: readonly string[]; state?: string }>()
  return { files: given.configFile, dirs: given.configDir, stateDir: given.state, run }
}
