import { join } from 'node:path'
import { serviceSections } from './identity.ts'
import type { Infrastructure } from './infrastructure.ts'
import { credentials, host, type Place } from './place.ts'
import type { Programs } from './programs.ts'

/** The network that a bridge of this machine is the wire of. */
export const physicalNetwork = 'public'
/** Our end of that wire. */
export const uplink = 'neighbours0'

const helpers = ['privsep', 'privsep_dhcp_release', 'privsep_namespace', 'privsep_conntrack', 'privsep_link']

/** Options of the server and of every agent: where they meet, and how an agent becomes root (it is). */
export function configureNeutron(place: Place, infrastructure: Infrastructure): readonly string[] {
  const path = join(place.folder, 'etc/neutron/neutron.conf')
  const main = place.configure('neutron', 'neutron.conf', {
    DEFAULT: {
      use_stderr: true,
      bind_host: host,
      bind_port: place.ports.neutron,
      api_workers: 1,
      rpc_workers: 1,
      rpc_state_report_workers: 0,
      auth_strategy: 'keystone',
      core_plugin: 'ml2',
      service_plugins: 'router,qos,auto_allocate',
      transport_url: infrastructure.neighboursUrl,
      notify_nova_on_port_status_changes: true,
      notify_nova_on_port_data_changes: true,
      interface_driver: 'linuxbridge',
      state_path: place.at('state', 'neutron'),
      api_paste_config: '/etc/neutron/api-paste.ini',
      host: 'neighbours',
    },
    database: { connection: infrastructure.database('neutron'), max_pool_size: 10, max_overflow: 50 },
    // Neutron 21 wants to be told that one means it.
    experimental: { linuxbridge: true },
    agent: { root_helper: 'env' },
    nova: credentials(place, 'nova'),
    placement: credentials(place, 'placement'),
    oslo_messaging_notifications: { driver: 'noop' },
    oslo_messaging_rabbit: { heartbeat_timeout_threshold: 0 },
    ...Object.fromEntries(helpers.map(name => [name, { helper_command: `privsep-helper --config-file ${path}` }])),
    ...serviceSections(place, 'neutron'),
  })
  const ml2 = place.configure('neutron', 'ml2_conf.ini', {
    ml2: {
      type_drivers: 'flat,vlan,vxlan,local',
      tenant_network_types: 'local',
      // A host with the agent gets its ports bound by it, any other one by ours.
      mechanism_drivers: 'linuxbridge,nova_neighbours',
      extension_drivers: 'port_security,qos',
    },
    ml2_type_flat: { flat_networks: physicalNetwork },
    ml2_type_vlan: { network_vlan_ranges: physicalNetwork },
    ml2_type_vxlan: { vni_ranges: '1:10000' },
    securitygroup: { enable_security_group: true, firewall_driver: 'iptables', enable_ipset: false },
    linux_bridge: { physical_interface_mappings: `${physicalNetwork}:${uplink}` },
    vxlan: { enable_vxlan: false },
  })
  return [`--config-file=${main}`, `--config-file=${ml2}`]
}

/** Gives the options with which its agents find the same configuration. */
export async function startNeutron(
  place: Place,
  programs: Programs,
  infrastructure: Infrastructure,
): Promise<readonly string[]> {
  const files = configureNeutron(place, infrastructure)
  await programs.run('neutron-setup', 'neutron-db-manage', ...files, 'upgrade', 'head')
  // Not under uWSGI: with its threads Neutron's green ones lock up.
  programs.start('neutron', 'neutron-server', files)
  return files
}
