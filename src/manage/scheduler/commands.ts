import { Command, InvalidArgumentError } from 'commander'
import type { ManageCommand } from '../manage-command.ts'
import { dryRun } from './dry-run.ts'
import { explain } from './explain.ts'

const whole = (low: number, high: number) => (text: string) => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new InvalidArgumentError(`a whole number from ${low} to ${high}`)
  return value
}

function hint(text: string, before: Readonly<Record<string, readonly string[]>> = {}) {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('a hint is NAME=VALUE')
  const name = text.slice(0, at)
  return { ...before, [name]: [...(before[name] ?? []), text.slice(at + 1)] }
}

/** `nova-manage scheduler …`: why servers went where they went, and where they would go. Not in Nova. */
export function schedulerCommands(choose: (command: ManageCommand) => void): Command {
  const scheduler = new Command('scheduler').description('decisions of the scheduler')
  scheduler
    .command('explain')
    .description('tell what was asked, which hosts fell out where and why, and what the others weighed')
    .argument('<REQUEST>', 'request id (req-…), or id of a server')
    .option('--limit <N>', 'the newest N decisions', whole(1, 1000), 10)
    .option('--json', 'print a JSON list', false)
    .action((request: string, options: { limit: number; json: boolean }) => choose(explain(request, options)))
  scheduler
    .command('dry-run')
    .description('tell where servers would go now; nothing is claimed')
    .option('--like <SERVER>', 'as this server was asked for')
    .option('--flavor <FLAVOR>', 'id or name of a flavor; needed without --like')
    .option('--count <N>', 'how many servers', whole(1, 10_000), 1)
    .option('--project <ID>', 'whose servers')
    .option('--availability-zone <ZONE>', 'only there')
    .option('--host <HOST>', 'only there')
    .option('--hint <NAME=VALUE>', 'scheduler hint, may be repeated', hint)
    .option('--json', 'print a JSON object', false)
    .action(options => choose(dryRun(options)))
  return scheduler
}
