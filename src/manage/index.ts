/**
 * The operator's commands: what they read from a command line and what they answer. Each group of nova-manage and nova-status has its folder,
 * `kit/` is what a command is declared with. Nothing here opens a database or a file; allinone/compose hands in what a
 * command works on, and `bin` runs it.
 */
export { novaManage, novaStatus, type OperatorProgram } from './groups.ts'
export type { Answer, Output } from './kit/command.ts'
export { type ManageArguments, readManageArguments } from './manage-arguments.ts'
export type { ManageWorld, UpgradeFacts } from './manage-world.ts'
export { InvalidTarget, type PolicyArguments, readPolicyArguments } from './policy-arguments.ts'
export { type CheckResult, type OwnerOf, policyCheck } from './policy-check.ts'
export { runChoice } from './run-choice.ts'
export { imagined } from './scheduler/dry-run.ts'
