import type { RequestSpec } from '#model'
import type { HostFilter } from './filters/index.ts'
import type { HostWeigher } from './weighers/index.ts'

const needed: Readonly<Record<string, string>> = {
  affinity: 'ServerGroupAffinityFilter',
  'anti-affinity': 'ServerGroupAntiAffinityFilter',
  'soft-affinity': 'ServerGroupSoftAffinityWeigher',
  'soft-anti-affinity': 'ServerGroupSoftAntiAffinityWeigher',
}

/** A server group whose policy nobody would watch over is refused, not ignored. */
export function unsupportedPolicy(
  { serverGroup }: RequestSpec,
  rules: readonly (HostFilter | HostWeigher)[],
): string | undefined {
  const name = serverGroup === null ? undefined : needed[serverGroup.policy]
  if (name === undefined || rules.some(rule => rule.name === name)) return undefined
  return `ServerGroup policy is not supported: ${name} not configured`
}
