/**
 * The operator's commands: what they read from a command line and what they answer. Nothing here opens a database or a
 * file; allinone/compose hands in what a command works on, and `bin` runs it.
 */
export { type ManageArguments, readManageArguments } from './manage-arguments.ts'
export type { CommandResult, ManageCommand, ManageWorld } from './manage-command.ts'
export { InvalidTarget, type PolicyArguments, readPolicyArguments } from './policy-arguments.ts'
export { type CheckResult, type OwnerOf, policyCheck } from './policy-check.ts'
export { imagined } from './scheduler/dry-run.ts'
