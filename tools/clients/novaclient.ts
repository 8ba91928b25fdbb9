import { adminOf, writeClouds } from './clouds-yaml.ts'
import { newFlavor, newImage } from './furniture.ts'
import type { Suite } from './suite.ts'

/** python-novaclient: the `nova` command and its library. */
export const novaclient: Suite = {
  name: 'novaclient',
  tests: 'novaclient/tests/functional',
  filter: /^novaclient\./,
  isSerial: true,
  async prepare(cloud) {
    await newImage(cloud.client, 'cirros-0.6.2-x86_64-uec')
    await newFlavor(cloud.client, { name: 'm1.nano', ram: 64, disk: 1 })
    return {
      OS_CLIENT_CONFIG_FILE: writeClouds(cloud, { functional_admin: adminOf(cloud) }),
      OS_NOVACLIENT_EXEC_DIR: '/usr/bin',
      OS_NOVACLIENT_NETWORK: 'private',
      OS_TEST_TIMEOUT: '600',
    }
  },
}
