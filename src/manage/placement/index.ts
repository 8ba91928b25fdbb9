import type { CommandGroup } from '../kit/command.ts'
import { audit } from './audit.ts'
import { healAllocations } from './heal.ts'
import { syncAggregates } from './sync-aggregates.ts'

/** `nova-manage placement …`: what servers hold in placement, and what it knows of hosts. */
export const placement: CommandGroup = {
  name: 'placement',
  help: 'allocations of servers, and aggregates of hosts',
  commands: [audit, healAllocations, syncAggregates],
}
