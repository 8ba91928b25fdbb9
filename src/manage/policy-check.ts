import type { Credentials, Enforcer } from '#policy'
import type { PolicyArguments } from './policy-arguments.ts'

/** Finds out whose a server is; undefined when there is none. */
export type OwnerOf = (instanceId: string) => Promise<{ readonly projectId: string; readonly userId: string }>

export interface CheckResult {
  /** What to print. */
  readonly text: string
  readonly exitCode: 0 | 1
}

const credentialsOf = ({ roles, userId, projectId }: PolicyArguments): Credentials => ({
  userId: userId ?? '',
  userDomainId: 'default',
  projectId,
  projectDomainId: 'default',
  domainId: null,
  systemScope: false,
  roles,
})

/** A server stands for its owner and overrides every other word about the target. */
async function targetFor(args: PolicyArguments, ownerOf: OwnerOf): Promise<Record<string, string>> {
  const { target } = args
  if (target === undefined) return { project_id: args.projectId ?? '', user_id: args.userId ?? '' }
  const id = target['instance_id']
  if (id === undefined) return { ...target }
  const { projectId, userId } = await ownerOf(id)
  return { project_id: projectId, user_id: userId }
}

/** `nova-policy policy check`: the names of the rules that let the user pass, one a line. */
export async function policyCheck(args: PolicyArguments, enforcer: Enforcer, ownerOf: OwnerOf): Promise<CheckResult> {
  const caller = credentialsOf(args)
  const target = await targetFor(args, ownerOf)
  const passing = enforcer.registered
    .filter(name => name.includes(args.apiName))
    .filter(name => enforcer.allow(name, caller, target).ok)
  const exitCode = passing.length === 0 ? 1 : 0
  if (args.asJson) return { text: JSON.stringify(passing), exitCode }
  return { text: exitCode === 1 ? 'No rules matched or allowed' : passing.join('\n'), exitCode }
}
