/** What this network can do beyond Neutron's core, by Neutron's names. Only what is really honoured stands here. */

export interface Extension {
  readonly alias: string
  readonly name: string
  readonly description: string
  readonly updated: string
  readonly links: readonly string[]
}

const extension = (alias: string, name: string, description: string, updated: string): Extension => ({
  alias,
  name,
  description,
  updated: `${updated}T10:00:00-00:00`,
  links: [],
})

export const extensions: readonly Extension[] = [
  extension(
    'auto-allocated-topology',
    'Auto Allocated Topology Services',
    'Auto Allocated Topology Services.',
    '2016-01-01',
  ),
  extension('agent', 'agent', 'The agent management extension.', '2013-02-03'),
  extension('availability_zone', 'Availability Zone', 'The availability zone extension.', '2015-01-01'),
  extension('binding', 'Port Binding', 'Expose port bindings of a virtual port to external application', '2014-02-03'),
  extension(
    'binding-extended',
    'Port Bindings Extended',
    'Expose port bindings of a virtual port to external application',
    '2017-07-17',
  ),
  extension(
    'external-net',
    'Neutron external network',
    'Adds external network attribute to network resource.',
    '2013-01-14',
  ),
  extension(
    'ext-gw-mode',
    'Neutron L3 Configurable external gateway mode',
    'Extension of the router abstraction for specifying whether SNAT should occur on the external gateway',
    '2013-03-28',
  ),
  extension('extraroute', 'Neutron Extra Route', 'Extra routes configuration for L3 router', '2013-02-01'),
  extension(
    'extraroute-atomic',
    'Atomically add/remove extra routes',
    'Edit extra routes of a router on server side by atomically adding/removing extra routes',
    '2019-07-10',
  ),
  extension(
    'filter-validation',
    'Filter parameters validation',
    'Provides validation on filter parameters.',
    '2018-03-21',
  ),
  extension(
    'fip-port-details',
    'Floating IP Port Details Extension',
    'Add port_details attribute to Floating IP resource',
    '2018-04-09',
  ),
  extension(
    'ip-substring-filtering',
    'IP address substring filtering',
    'Provides IP address substring filtering when listing ports',
    '2017-11-28',
  ),
  extension('net-mtu', 'Network MTU', 'Provides MTU attribute for a network resource.', '2015-03-25'),
  extension(
    'net-mtu-writable',
    'Network MTU (writable)',
    'Provides a writable MTU attribute for a network resource.',
    '2017-07-12',
  ),
  extension(
    'network_availability_zone',
    'Network Availability Zone',
    'Availability zone support for network.',
    '2015-01-01',
  ),
  extension('pagination', 'Pagination support', 'Extension that indicates that pagination is enabled.', '2016-06-12'),
  extension('port-security', 'Port Security', 'Provides port security', '2012-07-23'),
  extension('port-resource-request', 'Port Resource Request', 'Expose resource request to Port', '2018-05-08'),
  extension(
    'port-resource-request-groups',
    'Port Resource Request Groups',
    'Expose resource request group to Port',
    '2021-08-03',
  ),
  extension(
    'project-id',
    'project_id field enabled',
    'Extension that indicates that project_id field is enabled.',
    '2016-09-09',
  ),
  extension('provider', 'Provider Network', 'Expose mapping of virtual networks to physical networks', '2012-09-07'),
  extension('qos', 'Quality of Service', 'The Quality of Service extension.', '2015-06-08'),
  extension(
    'qos-bw-minimum-ingress',
    'Ingress direction for QoS minimum bandwidth rule',
    'Allow to configure QoS minimum bandwidth rule with ingress direction.',
    '2018-07-09',
  ),
  extension(
    'qos-port-network-policy',
    'QoS port network policy',
    'Allow to retrieve the network QoS policy of a port.',
    '2019-11-12',
  ),
  extension(
    'qos-pps-minimum',
    'QoS minimum packet rate rule',
    'Allow to configure QoS minimum packet rate rule.',
    '2021-07-16',
  ),
  extension(
    'qos-rule-type-details',
    'Details of QoS rule types',
    'Expose details about QoS rule types supported by loaded backend drivers',
    '2017-06-22',
  ),
  extension('quotas', 'Quota management support', 'Expose functions for quotas management per project', '2012-07-29'),
  extension(
    'quota_details',
    'Quota details management support',
    'Expose functions for quotas usage statistics per project',
    '2017-02-10',
  ),
  extension(
    'router',
    'Neutron L3 Router',
    'Router abstraction for basic L3 forwarding between L2 Neutron networks and access to external networks via a NAT gateway.',
    '2012-07-20',
  ),
  extension(
    'router_availability_zone',
    'Router Availability Zone',
    'Availability zone support for router.',
    '2015-01-01',
  ),
  extension('security-group', 'security-group', 'The security groups extension.', '2012-10-05'),
  extension(
    'service-type',
    'Neutron Service Type Management',
    'API for retrieving service providers for Neutron advanced services',
    '2013-01-20',
  ),
  extension(
    'security-groups-normalized-cidr',
    'Normalized CIDR field for security group rules',
    'Add new field with normalized remote_ip_prefix cidr in SG rule',
    '2020-11-13',
  ),
  extension('sorting', 'Sorting support', 'Extension that indicates that sorting is enabled.', '2016-06-12'),
  extension(
    'standard-attr-description',
    'standard-attr-description',
    'Extension to add descriptions to standard attributes',
    '2016-02-10',
  ),
  extension(
    'standard-attr-revisions',
    'Resource revision numbers',
    'This extension will display the revision number of neutron resources.',
    '2016-04-11',
  ),
  extension(
    'standard-attr-tag',
    'Tag support for resources with standard attribute',
    'Enables to set tag on resources with standard attribute.',
    '2017-01-01',
  ),
  extension(
    'standard-attr-timestamp',
    'Resource timestamps',
    'Adds created_at and updated_at fields to all Neutron resources.',
    '2016-09-12',
  ),
]
