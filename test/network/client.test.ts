/** The unmodified `openstack` client (Debian 12: python3-openstackclient 6.0.0) against the built-in network. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { silentLog, systemClock } from '#base'
import { listen } from '#http'
import { createNetworkService, type NetworkService } from '#network'
import { databaseAt } from '../database/index.ts'
import {
  adminPassword,
  type Cloud,
  clientEnv,
  newFolder,
  newPerson,
  openstack,
  type Person,
  removeFolder,
  startCloud,
} from '../embedded/kit.ts'

const folder = newFolder()
let cloud: Cloud
let network: NetworkService
let person: Person
before(async () => {
  cloud = await startCloud({ folder })
  network = await createNetworkService({
    databaseUrl: await databaseAt(folder, 'network'),
    identity: cloud.identity.port,
    log: silentLog,
    clock: systemClock,
  })
  const port = await listen(network.face, { service: 'network', host: '127.0.0.1', port: 0 })
  const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
  await cloud.identity.setCatalog([
    { type: 'identity', name: 'keystone', endpoints: everywhere(`${cloud.identityUrl}/v3`) },
    { type: 'network', name: 'neutron', endpoints: everywhere(`http://127.0.0.1:${port}`) },
  ])
  person = await newPerson(cloud, 'fish')
})
after(async () => {
  await network.close()
  await cloud.close()
  removeFolder(folder)
})

const asAdmin = () => clientEnv(cloud, { user: 'admin', password: adminPassword, project: 'admin' })
const asPerson = () => clientEnv(cloud, { user: person.name, password: person.password, project: person.name })

const column = (document: unknown, name: string): unknown[] => {
  assert.ok(Array.isArray(document), JSON.stringify(document))
  return document.map((row: unknown) => Reflect.get(Object(row), name))
}
const field = (document: unknown, name: string): unknown => Reflect.get(Object(document), name)

test('an administrator makes an external network and looks around', async () => {
  const { documents, errors } = await openstack(asAdmin(), [
    'network create --external --default public -f json',
    'subnet create --network public --subnet-range 172.24.4.0/24 --no-dhcp --allocation-pool start=172.24.4.10,end=172.24.4.99 public-v4 -f json',
    'network show public -f json',
    'network list --external -f json',
    'network agent list -f json',
    'availability zone list --network -f json',
    'extension list --network -f json',
    'network service provider list -f json',
    'network flavor list -f json',
  ])
  const [made, subnet, shown, external, agents, zones, extensions, providers] = documents
  assert.deepEqual([field(made, 'router:external'), field(made, 'is_default')], [true, true])
  assert.equal(field(subnet, 'enable_dhcp'), false)
  assert.equal(field(shown, 'name'), 'public')
  assert.deepEqual(column(external, 'Name'), ['public'])
  assert.deepEqual(agents, [])
  assert.deepEqual(column(zones, 'Zone Name'), ['nova', 'nova'])
  assert.ok(column(extensions, 'Alias').includes('router'))
  assert.deepEqual(providers, [])
  // What this network has no extension for, it does not know.
  assert.match(errors, /404.*\/v2\.0\/flavors/)
})

test('a project gets everything a server needs, from the network to the floating address', async () => {
  const { documents, errors } = await openstack(asPerson(), [
    'network create --description deep --mtu 1400 reef -f json',
    'network set --tag wet reef',
    'network list --tags wet -f json',
    'subnet create --network reef --subnet-range 10.5.0.0/24 --dns-nameserver 9.9.9.9 --host-route destination=192.0.2.0/24,gateway=10.5.0.9 reef-v4 -f json',
    'subnet create --network reef --ip-version 6 --subnet-range 2001:db8::/64 --ipv6-ra-mode slaac --ipv6-address-mode slaac reef-v6 -f json',
    'subnet set --description shallow --allocation-pool start=10.5.0.100,end=10.5.0.200 --no-allocation-pool reef-v4',
    'subnet list --network reef -f json',
    'router create --description between ledge -f json',
    'router set --external-gateway public ledge',
    'router add subnet ledge reef-v4',
    'router show ledge -f json',
    'router set --route destination=198.51.100.0/24,gateway=10.5.0.9 ledge',
    'router list --long -f json',
    'security group create --description web web -f json',
    'security group rule create --protocol tcp --dst-port 80:443 --remote-ip 0.0.0.0/0 --description doors web -f json',
    'security group rule create --protocol icmp --icmp-type 8 --icmp-code 0 --remote-group web web -f json',
    'security group rule create --egress --ethertype IPv6 --protocol 132 web -f json',
    'security group rule list web -f json',
    'security group show web -f json',
    'port create --network reef --fixed-ip subnet=reef-v4,ip-address=10.5.0.42 --security-group web --device-owner compute:nova pearl -f json',
    'port set --description round --name shell pearl',
    'port list --network reef --fixed-ip ip-address=10.5.0.42 -f json',
    'floating ip create --port shell --fixed-ip-address 10.5.0.42 --description path public -f json',
    'floating ip list --long -f json',
    'port show shell -f json',
  ])
  assert.equal(errors, '')
  const [reef, wet, v4, v6, subnets, , ledge, routers, group, tcp, icmp, , rules, shown, pearl, ports, ip, ips, shell] =
    documents
  assert.deepEqual([field(reef, 'mtu'), field(reef, 'description')], [1400, 'deep'])
  assert.deepEqual(column(wet, 'Name'), ['reef'])
  assert.deepEqual(field(v4, 'dns_nameservers'), ['9.9.9.9'])
  assert.equal(field(v6, 'ipv6_ra_mode'), 'slaac')
  assert.deepEqual(column(subnets, 'Name').toSorted(), ['reef-v4', 'reef-v6'])
  assert.equal(Reflect.get(Object(field(ledge, 'external_gateway_info')), 'enable_snat'), true)
  assert.deepEqual(column(routers, 'Name'), ['ledge'])
  assert.equal(field(group, 'name'), 'web')
  assert.deepEqual([field(tcp, 'port_range_min'), field(tcp, 'port_range_max')], [80, 443])
  assert.deepEqual([field(icmp, 'port_range_min'), field(icmp, 'remote_group_id')], [8, field(group, 'id')])
  assert.equal(Array.isArray(rules) ? rules.length : 0, 5)
  assert.ok(field(shown, 'rules') !== undefined)
  assert.deepEqual(field(pearl, 'security_group_ids'), [field(group, 'id')])
  assert.deepEqual(column(ports, 'Name'), ['shell'])
  assert.equal(field(ip, 'fixed_ip_address'), '10.5.0.42')
  assert.deepEqual(column(ips, 'Status'), ['ACTIVE'])
  assert.equal(field(shell, 'description'), 'round')
})

test('what is done is undone in the order it must be', async () => {
  const { documents, errors } = await openstack(asPerson(), [
    'floating ip list -f json',
    'floating ip unset --port 172.24.4.10',
    'floating ip set --port shell 172.24.4.10',
    'floating ip list -f json',
  ])
  const [before] = documents
  const [address] = column(before, 'Floating IP Address')
  assert.ok(typeof address === 'string', errors)
  const last = await openstack(asPerson(), [
    `floating ip unset --port ${address}`,
    `floating ip show ${address} -f json`,
    `floating ip delete ${address}`,
    'port delete shell',
    'router unset --route destination=198.51.100.0/24,gateway=10.5.0.9 ledge',
    'router remove subnet ledge reef-v4',
    'router unset --external-gateway ledge',
    'router delete ledge',
    'subnet delete reef-v4 reef-v6',
    'network delete reef',
    'security group delete web',
    'network list -f json',
    'router list -f json',
  ])
  assert.equal(last.errors, '')
  const [free, networks, routers] = last.documents
  assert.deepEqual([field(free, 'status'), field(free, 'port_id')], ['DOWN', null])
  assert.deepEqual(column(networks, 'Name'), ['public'])
  assert.deepEqual(routers, [])
})
