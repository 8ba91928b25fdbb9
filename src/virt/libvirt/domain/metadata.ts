import { isoSeconds } from '#base'
import type { GuestSpec, GuestVif } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import type { Family } from './host.ts'

const rootOf = ({ image, disks }: GuestSpec): XmlElement => {
  const volume = disks.find(disk => disk.bootIndex === 0)?.volume
  return volume
    ? element('nova:root', { type: 'volume', uuid: volume.id })
    : element('nova:root', { type: 'image', uuid: image.id })
}

const portOf = ({ portId, addresses }: GuestVif): XmlElement =>
  element(
    'nova:port',
    { uuid: portId },
    (addresses ?? []).map(({ type, address, version }) => element('nova:ip', { type, address, ipVersion: version })),
  )

const namespace = 'http://openstack.org/xmlns/libvirt/nova/1.1'

/** What Nova's own tools, ceilometer among them, read of a guest without asking the API. */
export const metadata: Family = (spec, host) => {
  const { flavor, image } = spec
  const properties = Object.entries(image.properties).map(([name, value]) => element('nova:property', { name }, value))
  const extraSpecs = Object.entries(flavor.extraSpecs).map(([name, value]) =>
    element('nova:extraSpec', { name }, value),
  )
  return element(
    'metadata',
    {},
    element(
      'nova:instance',
      { 'xmlns:nova': namespace },
      element('nova:package', { version: host.productVersion }),
      element('nova:name', {}, spec.displayName),
      element('nova:creationTime', {}, isoSeconds(spec.createdAtMs).replace('T', ' ').replace('Z', '')),
      element(
        'nova:flavor',
        { name: flavor.name, id: flavor.id },
        element('nova:memory', {}, flavor.memoryMiB),
        element('nova:disk', {}, flavor.rootGiB),
        element('nova:swap', {}, flavor.swapMiB),
        element('nova:ephemeral', {}, flavor.ephemeralGiB),
        element('nova:vcpus', {}, flavor.vcpus),
        element('nova:extraSpecs', {}, extraSpecs),
      ),
      element(
        'nova:image',
        { uuid: image.id },
        element('nova:containerFormat', {}, image.containerFormat),
        element('nova:diskFormat', {}, image.diskFormat),
        element('nova:minDisk', {}, image.minDiskGiB),
        element('nova:minRam', {}, image.minRamMiB),
        element('nova:properties', {}, properties),
      ),
      element(
        'nova:owner',
        {},
        element('nova:user', { uuid: spec.userId }, spec.userName ?? ''),
        element('nova:project', { uuid: spec.projectId }, spec.projectName ?? ''),
      ),
      rootOf(spec),
      element('nova:ports', {}, spec.vifs.map(portOf)),
    ),
  )
}
