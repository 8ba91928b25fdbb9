import type { CommandGroup } from '../kit/command.ts'
import { dryRun } from './dry-run.ts'
import { explain } from './explain.ts'

/** `nova-manage scheduler …`: why servers went where they went, and where they would go. Not in Nova. */
export const scheduler: CommandGroup = {
  name: 'scheduler',
  help: 'decisions of the scheduler',
  commands: [explain, dryRun],
  faultExitCode: 1,
}
