import { sql } from 'kysely'
import type { Migration } from '#store/engine'

/** What a table refers to stands at its end: some databases overlook it at a column. */
const stamped = 'revision integer not null, created_at_ms bigint not null, updated_at_ms bigint not null'
const named = 'project_id varchar(255) not null, name varchar(255) not null, description varchar(255) not null'

const first: readonly string[] = [
  `create table networks (id varchar(36) primary key, ${named}, is_up integer not null, is_shared integer not null,
    is_external integer not null, is_default integer not null, mtu integer not null, port_security integer not null, ${stamped})`,
  'create index networks_project on networks (project_id)',
  `create table subnets (id varchar(36) primary key, network_id varchar(36) not null, ${named},
    ip_version integer not null, cidr varchar(64) not null, gateway_ip varchar(64), dhcp integer not null,
    dns_nameservers text not null, host_routes text not null, ipv6_address_mode varchar(16), ipv6_ra_mode varchar(16), ${stamped},
    foreign key (network_id) references networks (id))`,
  'create index subnets_network on subnets (network_id)',
  'create index subnets_project on subnets (project_id)',
  `create table allocation_pools (subnet_id varchar(36) not null,
    first_key varchar(32) not null, last_key varchar(32) not null, primary key (subnet_id, first_key),
    foreign key (subnet_id) references subnets (id) on delete cascade)`,
  `create table ports (id varchar(36) primary key, network_id varchar(36) not null, ${named},
    mac varchar(17) not null, is_up integer not null, status varchar(16) not null, device_id varchar(255) not null,
    device_owner varchar(255) not null, port_security integer not null, binding_host varchar(255) not null,
    vnic_type varchar(64) not null, vif_type varchar(64) not null, vif_details text not null, profile text not null,
    dns_name varchar(255) not null, is_plugged integer not null, ${stamped}, unique (network_id, mac),
    foreign key (network_id) references networks (id))`,
  'create index ports_project on ports (project_id)',
  'create index ports_device on ports (device_id)',
  `create table fixed_ips (network_id varchar(36) not null, address_key varchar(32) not null, address varchar(64) not null,
    subnet_id varchar(36) not null, port_id varchar(36) not null,
    position integer not null, primary key (network_id, address_key),
    foreign key (subnet_id) references subnets (id),
    foreign key (port_id) references ports (id) on delete cascade)`,
  'create index fixed_ips_port on fixed_ips (port_id)',
  'create index fixed_ips_subnet on fixed_ips (subnet_id, address_key)',
  'create index fixed_ips_address on fixed_ips (address)',
  `create table security_groups (id varchar(36) primary key, ${named}, ${stamped})`,
  'create index security_groups_project on security_groups (project_id)',
  `create table default_security_groups (project_id varchar(255) primary key,
    group_id varchar(36) not null,
    foreign key (group_id) references security_groups (id) on delete cascade)`,
  `create table security_group_rules (id varchar(36) primary key, project_id varchar(255) not null,
    group_id varchar(36) not null, direction varchar(8) not null,
    ethertype varchar(8) not null, protocol varchar(40), port_min integer, port_max integer, remote_ip_prefix varchar(64),
    remote_group_id varchar(36), description varchar(255) not null,
    sameness varchar(255) not null, ${stamped}, unique (group_id, sameness),
    foreign key (group_id) references security_groups (id) on delete cascade,
    foreign key (remote_group_id) references security_groups (id) on delete cascade)`,
  'create index security_group_rules_remote on security_group_rules (remote_group_id)',
  `create table port_security_groups (port_id varchar(36) not null,
    group_id varchar(36) not null, primary key (port_id, group_id),
    foreign key (port_id) references ports (id) on delete cascade,
    foreign key (group_id) references security_groups (id))`,
  'create index port_security_groups_group on port_security_groups (group_id)',
  `create table quotas (project_id varchar(255) not null, resource varchar(64) not null, amount integer not null,
    primary key (project_id, resource))`,
  'create table tags (resource_id varchar(36) not null, tag varchar(255) not null, primary key (resource_id, tag))',
  `create table leases (network_id varchar(36) not null, address varchar(64) not null, mac varchar(17) not null,
    hostname varchar(255) not null, expires_at_ms bigint not null, primary key (network_id, address))`,
  `create table routers (id varchar(36) primary key, ${named}, is_up integer not null, external_network_id varchar(36), snat integer not null, external_port_id varchar(36), routes text not null, ${stamped},
    foreign key (external_network_id) references networks (id))`,
  `create table router_interfaces (router_id varchar(36) not null, port_id varchar(36) not null, subnet_id varchar(36) not null, primary key (router_id, port_id, subnet_id),
    foreign key (router_id) references routers (id),
    foreign key (port_id) references ports (id) on delete cascade,
    foreign key (subnet_id) references subnets (id))`,
  `create table floating_ips (id varchar(36) primary key, project_id varchar(255) not null, description varchar(255) not null,
    network_id varchar(36) not null, address varchar(64) not null, own_port_id varchar(36) not null,
    router_id varchar(36), port_id varchar(36), fixed_address varchar(64), status varchar(16) not null, ${stamped},
    unique (network_id, address),
    foreign key (network_id) references networks (id))`,
  'create index floating_ips_port on floating_ips (port_id)',
  'create table facts (name varchar(64) primary key, value varchar(255) not null)',
]

const inactiveBindings: readonly string[] = [
  `create table inactive_bindings (port_id varchar(36) not null, host varchar(255) not null,
    vnic_type varchar(64) not null, vif_type varchar(64) not null, vif_details text not null, profile text not null,
    primary key (port_id, host),
    foreign key (port_id) references ports (id) on delete cascade)`,
]

const qos: readonly string[] = [
  `create table qos_policies (id varchar(36) primary key, ${named}, is_shared integer not null, ${stamped})`,
  'create index qos_policies_project on qos_policies (project_id)',
  `create table qos_rules (id varchar(36) primary key, policy_id varchar(36) not null,
    kind varchar(32) not null, direction varchar(8) not null, amount bigint not null, unique (policy_id, kind, direction),
    foreign key (policy_id) references qos_policies (id) on delete cascade)`,
  'alter table networks add column qos_policy_id varchar(36)',
  'alter table networks add column physical_network varchar(64)',
  'alter table networks add column segmentation_id integer',
  'alter table ports add column qos_policy_id varchar(36)',
]

const namespaces: readonly string[] = [
  'alter table networks add column is_host_routed integer not null default 0',
  // Until then this machine reached all.
  'update networks set is_host_routed = 1 where is_external = 0',
  'create table network_zones (network_id varchar(36) primary key, zone integer not null unique)',
]

const migration = (name: string, statements: readonly string[]): Migration => ({
  name,
  async up(db) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
})

export const migrations: readonly Migration[] = [
  migration('001-first', first),
  migration('002-inactive-bindings', inactiveBindings),
  migration('003-qos', qos),
  migration('004-namespaces', namespaces),
]
