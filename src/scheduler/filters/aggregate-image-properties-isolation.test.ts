import { anAggregate, anImage } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateImagePropertiesIsolation } from './aggregate-image-properties-isolation.ts'

filterTable(aggregateImagePropertiesIsolation, [
  { when: 'no aggregates', spec: { image: anImage({ os_distro: 'debian' }) } },
  { when: 'the image does not set it', spec: { image: anImage({}) }, host: within({ os_distro: 'debian' }) },
  {
    when: 'an allowed value',
    spec: { image: anImage({ os_distro: 'debian' }) },
    host: within({ os_distro: 'fedora,debian' }),
  },
  {
    when: 'another value',
    spec: { image: anImage({ os_distro: 'windows' }) },
    host: within({ os_distro: 'fedora,debian' }),
    refuses: "the image has os_distro=windows, the host's aggregates allow fedora, debian",
  },
  { when: 'a key that is no image property', spec: { image: anImage({ rack: '1' }) }, host: within({ rack: '2' }) },
  {
    when: 'outside of the namespace',
    spec: { image: anImage({ os_distro: 'windows' }) },
    host: within({ os_distro: 'debian' }),
    options: isolation('hw'),
  },
  {
    when: 'inside of the namespace',
    spec: { image: anImage({ hw_firmware_type: 'bios' }) },
    host: within({ hw_firmware_type: 'uefi' }),
    options: isolation('hw'),
    refuses: "the image has hw_firmware_type=bios, the host's aggregates allow uefi",
  },
])

function within(metadata: Record<string, string>) {
  return { aggregates: [anAggregate(metadata)] }
}
function isolation(namespace: string) {
  return {
    filter_scheduler: {
      aggregate_image_properties_isolation_namespace: namespace,
      aggregate_image_properties_isolation_separator: '_',
    },
  }
}
