import { adminOf, writeClouds } from './clouds-yaml.ts'
import { newImage } from './furniture.ts'
import type { Suite } from './suite.ts'

/** python-openstackclient: the `openstack` command. */
export const openstackclient: Suite = {
  name: 'openstackclient',
  tests: 'openstackclient/tests/functional/compute',
  filter: /^openstackclient\./,
  isSplit: true,
  // They take the host of the conductor for one with guests.
  hosts: 1,
  async prepare(cloud) {
    await newImage(cloud.client, 'cirros-0.6.2-x86_64-disk')
    return { OS_CLIENT_CONFIG_FILE: writeClouds(cloud, { 'devstack-admin': adminOf(cloud) }) }
  },
}
