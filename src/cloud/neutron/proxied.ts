import { inPath } from '../http/service-client.ts'
import type { NeutronApi } from './api.ts'
import type { ProxiedNetwork, SecurityGroupView } from './port.ts'
import { inNetworksWords } from './refusals.ts'
import { floatingIpOf, groupOf, ruleOf, type WireFloatingIp, type WireGroup, type WireRule } from './wire.ts'

/** Security groups and floating addresses: what Nova's old routes do by going to Neutron. */

type Groups = Pick<
  ProxiedNetwork,
  'securityGroups' | 'createSecurityGroup' | 'changeSecurityGroup' | 'deleteSecurityGroup'
>

const groupFields = ['id', 'name', 'description', 'project_id', 'tenant_id']

const groups = (api: NeutronApi): Groups => ({
  async securityGroups(as, which) {
    const query = typeof which === 'string' ? { project_id: which } : { id: which.ids }
    const wires = await api.list<WireGroup>(as, 'security-groups', { ...query, fields: groupFields })
    return wires.map(groupOf)
  },
  createSecurityGroup: (as, name, description) =>
    inNetworksWords(async (): Promise<SecurityGroupView> => {
      const json = { security_group: { name, description } }
      return groupOf(await api.one<WireGroup>(as, { method: 'POST', path: '/security-groups', json }))
    }),
  changeSecurityGroup: (as, id, name, description) =>
    inNetworksWords(async (): Promise<SecurityGroupView> => {
      const json = { security_group: { name, description } }
      return groupOf(await api.one<WireGroup>(as, { method: 'PUT', path: `/security-groups/${inPath(id)}`, json }))
    }),
  deleteSecurityGroup: (as, id) =>
    inNetworksWords(async () => {
      await api.call(as, { method: 'DELETE', path: `/security-groups/${inPath(id)}` })
    }),
})

type Rules = Pick<
  ProxiedNetwork,
  'securityGroupRules' | 'securityGroupRule' | 'createSecurityGroupRule' | 'deleteSecurityGroupRule'
>

const rulesPath = '/security-group-rules'

const rules = (api: NeutronApi): Rules => ({
  async securityGroupRules(as, groupIds) {
    if (groupIds.length === 0) return []
    const query = { security_group_id: groupIds }
    const wires = await api.list<WireRule>(as, 'security-group-rules', query, 'security_group_id')
    return wires.map(ruleOf).sort((a, b) => (a.groupId + a.id < b.groupId + b.id ? -1 : 1))
  },
  async securityGroupRule(as, id) {
    const [wire] = await api.list<WireRule>(as, 'security-group-rules', { id: [id] })
    return wire === undefined ? undefined : ruleOf(wire)
  },
  createSecurityGroupRule: (as, request) =>
    inNetworksWords(async () => {
      const rule = {
        direction: 'ingress',
        ethertype: request.ethertype,
        security_group_id: request.groupId,
        protocol: request.protocol,
        port_range_min: request.portMin,
        port_range_max: request.portMax,
        remote_ip_prefix: request.remoteIpPrefix,
        remote_group_id: request.remoteGroupId,
      }
      const json = { security_group_rule: rule }
      return ruleOf(await api.one<WireRule>(as, { method: 'POST', path: rulesPath, json }))
    }),
  deleteSecurityGroupRule: (as, id) =>
    inNetworksWords(async () => {
      await api.call(as, { method: 'DELETE', path: `${rulesPath}/${inPath(id)}` })
    }),
})

type Floating = Pick<ProxiedNetwork, 'floatingIps' | 'createFloatingIp' | 'changeFloatingIp' | 'deleteFloatingIp'>

const floating = (api: NeutronApi): Floating => ({
  async floatingIps(as, { ids, addresses, projectId }) {
    if (!(await api.has('router'))) return []
    const query = { id: ids, floating_ip_address: addresses, project_id: projectId }
    const split = ids === undefined ? 'floating_ip_address' : 'id'
    return (await api.list<WireFloatingIp>(as, 'floatingips', query, split)).map(floatingIpOf)
  },
  createFloatingIp: (as, networkId) =>
    inNetworksWords(async () => {
      const json = { floatingip: { floating_network_id: networkId } }
      return floatingIpOf(await api.one<WireFloatingIp>(as, { method: 'POST', path: '/floatingips', json }))
    }),
  changeFloatingIp: (as, id, to) =>
    inNetworksWords(async () => {
      const place = to === null ? { port_id: null } : { port_id: to.portId, fixed_ip_address: to.fixedAddress }
      await api.call(as, { method: 'PUT', path: `/floatingips/${inPath(id)}`, json: { floatingip: place } })
    }),
  deleteFloatingIp: (as, id) =>
    inNetworksWords(async () => {
      await api.call(as, { method: 'DELETE', path: `/floatingips/${inPath(id)}` })
    }),
})

export const proxied = (api: NeutronApi): ProxiedNetwork => ({ ...groups(api), ...rules(api), ...floating(api) })
