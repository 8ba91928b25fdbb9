import { isoSeconds } from '#base'
import type { Wire } from './api/listing.ts'

export interface AgentFacts {
  readonly deployment: string
  readonly host: string
  readonly startedAtMs: number
  readonly nowMs: number
  readonly isAlive: boolean
  readonly bridges: number
  readonly dhcpNetworks: number
  readonly routers: number
  readonly floatingIps: number
}

const stamp = (ms: number): string => isoSeconds(ms).replace('T', ' ').replace('Z', '')

/** This service does the work of three Neutron agents; it shows itself as each, as `openstack network agent list` knows them. */
export function agentWires(facts: AgentFacts): readonly Wire[] {
  const agent = (kind: string, binary: string, topic: string, tail: string, configurations: Wire[string]): Wire => ({
    id: `${facts.deployment.padEnd(8, '0')}-0000-4000-8000-${tail}`,
    agent_type: kind,
    binary,
    topic,
    host: facts.host,
    availability_zone: topic === 'N/A' ? null : 'nova',
    admin_state_up: true,
    alive: facts.isAlive,
    created_at: stamp(facts.startedAtMs),
    started_at: stamp(facts.startedAtMs),
    heartbeat_timestamp: stamp(facts.nowMs),
    description: null,
    resources_synced: null,
    configurations,
  })
  return [
    agent('Linux bridge agent', 'nova-network-bridge', 'N/A', '000000000001', { devices: facts.bridges }),
    agent('DHCP agent', 'nova-network-dhcp', 'dhcp_agent', '000000000002', { networks: facts.dhcpNetworks }),
    agent('L3 agent', 'nova-network-l3', 'l3_agent', '000000000003', {
      routers: facts.routers,
      floating_ips: facts.floatingIps,
    }),
  ]
}
