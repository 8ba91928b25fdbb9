import { int, list, nil, obj, operation, query, reply, resource, since, str } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { completed, type Numbers, usedBy } from '../quota-sets/resources.ts'

const untilNetworkLeft = int.until('2.36')
const untilFilesLeft = int.until('2.57')

const absolute = {
  maxTotalRAMSize: int,
  maxTotalInstances: int,
  maxTotalCores: int,
  maxTotalKeypairs: int,
  maxTotalFloatingIps: untilNetworkLeft,
  maxServerMeta: int,
  maxImageMeta: int.until('2.39'),
  maxPersonality: untilFilesLeft,
  maxPersonalitySize: untilFilesLeft,
  maxSecurityGroups: untilNetworkLeft,
  maxSecurityGroupRules: untilNetworkLeft,
  maxServerGroups: int,
  maxServerGroupMembers: int,
  totalRAMUsed: int,
  totalCoresUsed: int,
  totalInstancesUsed: int,
  totalFloatingIpsUsed: untilNetworkLeft,
  totalSecurityGroupsUsed: untilNetworkLeft,
  totalServerGroupsUsed: int,
}

const view = (limits: Numbers, used: Numbers) => ({
  maxTotalRAMSize: limits.ram,
  maxTotalInstances: limits.instances,
  maxTotalCores: limits.cores,
  maxTotalKeypairs: limits.key_pairs,
  maxTotalFloatingIps: limits.floating_ips,
  maxServerMeta: limits.metadata_items,
  maxImageMeta: limits.metadata_items,
  maxPersonality: limits.injected_files,
  maxPersonalitySize: limits.injected_file_content_bytes,
  maxSecurityGroups: limits.security_groups,
  maxSecurityGroupRules: limits.security_group_rules,
  maxServerGroups: limits.server_groups,
  maxServerGroupMembers: limits.server_group_members,
  totalRAMUsed: used.ram,
  totalCoresUsed: used.cores,
  totalInstancesUsed: used.instances,
  totalFloatingIpsUsed: used.floating_ips,
  totalSecurityGroupsUsed: used.security_groups,
  totalServerGroupsUsed: used.server_groups,
})

const otherProject = 'os_compute_api:limits:other_project'

/** What the caller's project may have and what it has. Rates were never limited by this API: their list is empty. */
export const limits = resource('/limits', {
  'GET /': operation<ApiDeps>()({
    policy: 'os_compute_api:limits',
    alsoPolicies: [otherProject],
    query: query({ tenant_id: str.optional() }, { strict: since('2.75') }),
    reply: reply('limits', { rate: list(nil), absolute: obj(absolute) }),
    async handle({ query, caller, allow, insist }, deps) {
      allow({})
      if (query.tenant_id !== undefined) {
        insist(otherProject, { project_id: caller.projectId, user_id: caller.userId })
      }
      const projectId = query.tenant_id ?? caller.projectId ?? ''
      const { store } = deps
      const limits = completed(await deps.quotas.limits(store, projectId))
      return { rate: [], absolute: view(limits, await usedBy(deps, projectId)) }
    },
  }),
})
