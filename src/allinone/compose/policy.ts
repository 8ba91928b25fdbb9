import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import type { Clock, Log } from '#base'
import { type Config, findBeside } from '#config'
import { Enforcer, novaDefaults } from '#policy'

/** The default name may also stand for a policy.json of an older release, as oslo.policy has it. */
function policyFile(config: Config, home: string): string {
  const { policy_file: name } = config.oslo_policy
  const file = findBeside(config.files, name, { home })
  if (name !== 'policy.yaml' || existsSync(file)) return file
  const former = findBeside(config.files, 'policy.json', { home })
  return existsSync(former) ? former : file
}

/** The file of the operator's rules, where it is one in JSON, which newer releases of oslo.policy do not read. */
export function jsonPolicyFile(config: Config, home = homedir()): string | undefined {
  const file = policyFile(config, home)
  if (!existsSync(file)) return undefined
  try {
    JSON.parse(readFileSync(file, 'utf8'))
    return file
  } catch {
    return undefined
  }
}

/** Nova's rules with what the operator's files change of them; files that appear or change later are read then. */
export function openPolicy(config: Config, log: Log, clock: Clock, home = homedir()): Enforcer {
  const { policy_dirs: dirs, policy_default_rule, enforce_scope, enforce_new_defaults } = config.oslo_policy
  return new Enforcer({
    defaults: novaDefaults,
    file: policyFile(config, home),
    dirs: dirs.map(dir => findBeside(config.files, dir, { home })),
    defaultRule: policy_default_rule,
    enforceScope: enforce_scope,
    enforceNewDefaults: enforce_new_defaults,
    log,
    clock,
  })
}
