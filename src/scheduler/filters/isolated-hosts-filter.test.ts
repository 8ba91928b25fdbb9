import { anImage } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { isolatedHostsFilter } from './isolated-hosts-filter.ts'

const isolatedImage = { image: anImage({}, { id: 'isolated' }) }
const isolated = (set: object) => ({
  filter_scheduler: { isolated_images: ['isolated'], isolated_hosts: ['host1'], ...set },
})

filterTable(isolatedHostsFilter, [
  { when: 'nothing isolated' },
  { when: 'isolated image, isolated host', spec: isolatedImage, options: isolated({}) },
  {
    when: 'isolated image, other host',
    spec: isolatedImage,
    options: isolated({ isolated_hosts: ['host2'] }),
    refuses: 'the image is isolated, the host is not in isolated_hosts',
  },
  {
    when: 'other image, isolated host',
    options: isolated({}),
    refuses: 'the host is isolated for the images in isolated_images, this image is not one of them',
  },
  {
    when: 'other image, isolated host, not restricted',
    options: isolated({ restrict_isolated_hosts_to_isolated_images: false }),
  },
  {
    when: 'isolated image, other host, not restricted',
    spec: isolatedImage,
    options: isolated({ isolated_hosts: [], restrict_isolated_hosts_to_isolated_images: false }),
    refuses: 'the image is isolated, the host is not in isolated_hosts',
  },
  {
    when: 'no isolated images: isolated hosts stay empty',
    options: isolated({ isolated_images: [] }),
    refuses: 'the host is isolated for the images in isolated_images, this image is not one of them',
  },
  {
    when: 'boot from volume',
    spec: { image: null },
    options: isolated({}),
    refuses: 'the host is isolated for the images in isolated_images, this image is not one of them',
  },
])
