import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newFlavor, newGuestImage, newImage, publicNetwork, smallGuest } from '../clients/furniture.ts'
import type { Suite, SuiteCloud } from '../clients/suite.ts'
import { tempestConf } from './conf.ts'

/** The scheduler hints that Tempest gives need two filters beyond Nova's defaults. */
const novaConf = `[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,SameHostFilter,DifferentHostFilter
`

/** Two real CPUs carry more small guests than the usual ratio lets them. */
const realConf = `${novaConf}
[DEFAULT]
cpu_allocation_ratio = 16
`

async function prepare(cloud: SuiteCloud, isReal: boolean): Promise<NodeJS.ProcessEnv> {
  const { client, ready, adminPassword, folder, hosts } = cloud
  const guest = isReal ? await smallGuest() : undefined
  const imageOf = (name: string) => (guest === undefined ? newImage(client, name) : newGuestImage(client, guest, name))
  const imageRef = await imageOf('cirros-0.6.2-x86_64-disk')
  const imageRefAlt = await imageOf('cirros-0.6.2-x86_64-disk-alt')
  const flavorRef = await newFlavor(client, { name: 'm1.nano', ram: 64, disk: 1 })
  const flavorRefAlt = await newFlavor(client, { name: 'm1.pico', ram: 128, disk: 2 })
  const publicNetworkId = await publicNetwork(client)
  const { extensions } = await client.call<{ extensions: { alias: string }[] }>('network', 'GET', '/extensions')
  const networkExtensions = extensions.map(e => e.alias)
  const found = {
    imageRef,
    imageRefAlt,
    flavorRef,
    flavorRefAlt,
    publicNetworkId,
    networkExtensions,
    imageFile: guest?.path ?? null,
  }
  const conf = tempestConf({ ...found, identityUrl: ready.urls.identity, adminPassword, folder, hosts })
  writeFileSync(join(folder, 'tempest.conf'), conf)
  return { TEMPEST_CONFIG_DIR: folder, TEMPEST_CONFIG: 'tempest.conf' }
}

/** Tempest: OpenStack's integration tests, here those of the Compute API. */
export const tempest: Suite = {
  name: 'tempest',
  tests: 'tempest/test_discover',
  filter: /^tempest\.api\.compute\./,
  config: novaConf,
  prepare: cloud => prepare(cloud, false),
}

/** The same with real guests, and what people do with servers from beginning to end, seen from inside of them. */
export const tempestLibvirt: Suite = {
  name: 'tempest-libvirt',
  tests: 'tempest/test_discover',
  filter: /^tempest\.(api\.compute|scenario)\./,
  config: realConf,
  isReal: true,
  prepare: cloud => prepare(cloud, true),
}
