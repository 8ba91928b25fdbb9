import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { type ConfigOverrides, defaultConfigFiles } from '#config'

/** The command line that every service has. */
export interface ServiceOptions {
  readonly files: readonly string[]
  readonly dirs: readonly string[]
  readonly overrides: ConfigOverrides
}

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Of oslo.log; each has its `--no…`. */
const flags = ['watch-log-file', 'use-syslog', 'use-journal', 'use-json'] as const
/** Accepted so that unit files keep working; they have no effect here. */
const unused = [
  '--log-config-append <PATH>',
  '--log-config <PATH>',
  '--log_config <PATH>',
  '--log-date-format <FORMAT>',
  '--syslog-log-facility <NAME>',
]

export const version = (): string => {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Reads argv as oslo.config does: help and version end the process with 0, anything wrong with usage on stderr and 2. */
export function readServiceOptions(prog: string, argv: readonly string[], home: string): ServiceOptions {
  const program = new Command(prog)
    .version(version(), '--version', "show program's version number and exit")
    .helpOption('-h, --help', 'show this help message and exit')
    .option('--config-file <FILE>', 'path to a config file, may be repeated; later ones win', gather)
    .option('--config-dir <DIR>', 'folder of *.conf files, may be repeated', gather)
    .option('-d, --debug', 'log at debug level')
    .option('--nodebug', 'the opposite of --debug')
    .option('--log-file <FILE>', 'log into this file instead of stderr')
    .option('--logfile <FILE>', 'the same')
    .option('--log-dir <DIR>', 'folder of the log file')
    .option('--logdir <DIR>', 'the same')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  for (const flag of flags) program.option(`--${flag}`).option(`--no${flag}`)
  for (const option of unused) program.option(option)
  program.parse([...argv], { from: 'user' })
  const given = program.opts<{
    configFile?: readonly string[]
    configDir?: readonly string[]
    debug?: boolean
    nodebug?: boolean
    logFile?: string
    logfile?: string
    logDir?: string
    logdir?: string
  }>()
  const { configFile: files, configDir: dirs } = given
  const isGiven = files !== undefined || dirs !== undefined
  const found = isGiven ? { files: files ?? [], dirs: dirs ?? [] } : defaultConfigFiles(prog, { home })
  const logFile = given.logFile ?? given.logfile
  const logDir = given.logDir ?? given.logdir
  return {
    ...found,
    overrides: {
      DEFAULT: {
        ...(given.debug === true ? { debug: true } : given.nodebug === true ? { debug: false } : {}),
        ...(logFile === undefined ? {} : { log_file: logFile }),
        ...(logDir === undefined ? {} : { log_dir: logDir }),
      },
    },
  }
}
