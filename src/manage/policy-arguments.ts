import { Command } from 'commander'
import { declareFault } from '#base'

/** The command line of nova-policy. */
export interface PolicyArguments {
  readonly files: readonly string[] | undefined
  readonly dirs: readonly string[] | undefined
  readonly roles: readonly string[]
  readonly userId: string | null
  readonly projectId: string | null
  /** Only rules whose name holds this text. */
  readonly apiName: string
  readonly target: Readonly<Record<string, string>> | undefined
  readonly asJson: boolean
}

export const InvalidTarget = declareFault(
  'InvalidAttribute',
  'refused',
  (p: { attr: string }) => `Attribute not supported: ${p.attr}`,
)

const targets = ['project_id', 'user_id', 'quota_class', 'availability_zone', 'instance_id']

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

function targetOf(words: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (words === undefined || words.length === 0) return undefined
  const entries = words.map(word => {
    const at = word.indexOf('=')
    const name = at < 0 ? word : word.slice(0, at)
    if (at < 0 || !targets.includes(name)) throw InvalidTarget({ attr: name })
    return [name, word.slice(at + 1)] as const
  })
  return Object.fromEntries(entries)
}

interface Given {
  readonly configFile?: readonly string[]
  readonly configDir?: readonly string[]
  readonly osRoles?: string
  readonly osUserId?: string
  readonly osTenantId?: string
}

/**
 * `nova-policy [--os-roles a,b] [--os-user-id U] [--os-tenant-id P] policy check [--api-name TEXT] [--target key=value ...]`,
 * with the environment standing in for the global options. Help and version end the process with 0, a wrong command line
 * with usage on stderr and 2.
 */
export function readPolicyArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): PolicyArguments {
  const program = new Command('nova-policy')
    .version(version, '--version', "show program's version number and exit")
    .description('Tells what a user may do under the policy of this configuration.')
    .option('--config-file <FILE>', 'path to a config file, may be repeated; later ones win', gather)
    .option('--config-dir <DIR>', 'folder of *.conf files, may be repeated', gather)
    .option('--os-roles <auth-roles>', 'roles, with commas between; defaults to env[OS_ROLES]')
    .option('--os-user-id <auth-user-id>', 'defaults to env[OS_USER_ID]')
    .option('--os-tenant-id <auth-tenant-id>', 'defaults to env[OS_TENANT_ID]')
  let found: PolicyArguments | undefined
  const check = program
    .command('policy')
    .description('policy rules')
    .command('check')
    .description('print all rules that the given user passes')
    .option('--api-name <name>', 'only rules that contain this name')
    .option(
      '--target <target...>',
      `what is acted on, as key=value; keys: ${targets.join(', ')}. Default: the user's own`,
    )
    .option('--json', 'print a JSON list')
  check.action((options: { apiName?: string; target?: readonly string[]; json?: boolean }) => {
    const given = program.opts<Given>()
    const roles = given.osRoles ?? env['OS_ROLES'] ?? ''
    found = {
      files: given.configFile,
      dirs: given.configDir,
      roles: roles.split(',').flatMap(role => (role.trim() === '' ? [] : [role.trim()])),
      userId: given.osUserId ?? env['OS_USER_ID'] ?? null,
      projectId: given.osTenantId ?? env['OS_TENANT_ID'] ?? null,
      apiName: options.apiName ?? '',
      target: targetOf(options.target),
      asJson: options.json === true,
    }
  })
  for (const command of [program, ...program.commands, check])
    command.showHelpAfterError().exitOverride(error => process.exit(error.exitCode === 0 ? 0 : 2))
  program.parse([...argv], { from: 'user' })
  // Without a command, commander has shown the help and left.
  if (found === undefined) throw new Error('no command was given')
  return found
}
