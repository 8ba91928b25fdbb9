import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newFlavor, newImage, publicNetwork } from '../clients/furniture.ts'
import type { Suite } from '../clients/suite.ts'
import { tempestConf } from './conf.ts'

/** The scheduler hints that Tempest gives need two filters beyond Nova's defaults. */
const novaConf = `[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,SameHostFilter,DifferentHostFilter
`

/** Tempest: OpenStack's integration tests, here those of the Compute API. */
export const tempest: Suite = {
  name: 'tempest',
  tests: 'tempest/test_discover',
  filter: /^tempest\.api\.compute\./,
  config: novaConf,
  async prepare({ client, ready, adminPassword, folder, hosts }) {
    const imageRef = await newImage(client, 'cirros-0.6.2-x86_64-disk')
    const imageRefAlt = await newImage(client, 'cirros-0.6.2-x86_64-disk-alt')
    const flavorRef = await newFlavor(client, { name: 'm1.nano', ram: 64, disk: 1 })
    const flavorRefAlt = await newFlavor(client, { name: 'm1.pico', ram: 128, disk: 2 })
    const publicNetworkId = await publicNetwork(client)
    const { extensions } = await client.call<{ extensions: { alias: string }[] }>('network', 'GET', '/extensions')
    const networkExtensions = extensions.map(e => e.alias)
    const found = { imageRef, imageRefAlt, flavorRef, flavorRefAlt, publicNetworkId, networkExtensions }
    const conf = tempestConf({ ...found, identityUrl: ready.urls.identity, adminPassword, folder, hosts })
    writeFileSync(join(folder, 'tempest.conf'), conf)
    return { TEMPEST_CONFIG_DIR: folder, TEMPEST_CONFIG: 'tempest.conf' }
  },
}
