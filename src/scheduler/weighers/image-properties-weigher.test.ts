import { anImage } from '../samples.ts'
import { weigherTable } from '../testing.ts'
import { imagePropertiesWeigher } from './image-properties-weigher.ts'

const counts = (of: Record<string, number>) => new Map(Object.entries(of))

weigherTable(imagePropertiesWeigher, [
  {
    when: 'off by default',
    spec: { image: anImage({ os_distro: 'debian' }) },
    hosts: [{ imagePropertyCounts: counts({ 'os_distro=debian': 3 }) }, {}],
    weights: [0, 0],
  },
  {
    when: 'equal properties of the servers there',
    spec: { image: anImage({ os_distro: 'debian', hw_disk_bus: 'virtio' }) },
    options: { filter_scheduler: { image_props_weight_multiplier: 1 } },
    hosts: [
      { imagePropertyCounts: counts({ 'os_distro=debian': 3, 'hw_disk_bus=virtio': 1 }) },
      { imagePropertyCounts: counts({ 'os_distro=fedora': 9, 'hw_disk_bus=virtio': 2 }) },
      {},
    ],
    weights: [1, 0.5, 0],
  },
  {
    when: 'only the listed properties, with their ratios',
    spec: { image: anImage({ os_distro: 'debian', hw_disk_bus: 'virtio' }) },
    options: { filter_scheduler: { image_props_weight_multiplier: 1, image_props_weight_setting: ['os_distro=2'] } },
    hosts: [
      { imagePropertyCounts: counts({ 'os_distro=debian': 1 }) },
      { imagePropertyCounts: counts({ 'hw_disk_bus=virtio': 9 }) },
    ],
    weights: [1, 0],
  },
])
