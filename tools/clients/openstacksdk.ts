import { adminOf, writeClouds } from './clouds-yaml.ts'
import { newImage, newNetwork, newPerson } from './furniture.ts'
import type { Suite, SuiteCloud } from './suite.ts'

/** The modules of the cloud layer that talk to Nova; the others are other services' business. */
const cloudModules = [
  'aggregate',
  'compute',
  'devstack',
  'flavor',
  'floating_ip',
  'floating_ip_pool',
  'inventory',
  'keypairs',
  'limits',
  'quotas',
  'security_groups',
  'server_group',
]

const image = 'cirros-0.6.2-x86_64-uec'

async function prepare(cloud: SuiteCloud): Promise<NodeJS.ProcessEnv> {
  const { client } = cloud
  await newImage(client, image)
  const demo = await newPerson(client, 'demo', 'member')
  const alternate = await newPerson(client, 'alt_demo', 'member')
  await newNetwork(client, 'demo-net', '10.1.0.0/24', demo.projectId)
  await newNetwork(client, 'alt-net', '10.2.0.0/24', alternate.projectId)
  const file = writeClouds(cloud, { devstack: demo, 'devstack-alt': alternate, 'devstack-admin': adminOf(cloud) })
  return {
    OS_CLIENT_CONFIG_FILE: file,
    OPENSTACKSDK_IMAGE: image,
    OPENSTACKSDK_FLAVOR: 'm1.tiny',
    OS_TEST_TIMEOUT: '600',
  }
}

/** openstacksdk's compute proxy. */
export const openstacksdk: Suite = {
  name: 'openstacksdk',
  tests: 'openstack/tests/functional/compute',
  filter: /^openstack\./,
  isSerial: true,
  prepare,
}

/** The part of openstacksdk's cloud layer that is about servers. */
export const openstacksdkCloud: Suite = {
  name: 'openstacksdk-cloud',
  tests: 'openstack/tests/functional/cloud',
  filter: new RegExp(`\\.cloud\\.test_(${cloudModules.join('|')})\\.`),
  isSerial: true,
  prepare,
}
