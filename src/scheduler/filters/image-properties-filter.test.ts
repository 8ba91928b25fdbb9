import { anImage } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { imagePropertiesFilter } from './image-properties-filter.ts'

filterTable(imagePropertiesFilter, [
  { when: 'an image that asks for nothing, a host that reports nothing', host: { supportedInstances: [] } },
  { when: 'no image', spec: { image: null } },
  {
    when: 'a triple that has it all',
    spec: image({ hw_architecture: 'x86_64', img_hv_type: 'qemu', hw_vm_mode: 'hvm' }),
  },
  { when: 'old spelling', spec: image({ architecture: 'AMD64' }) },
  {
    when: 'no single triple has it all',
    spec: image({ hw_architecture: 'i686', img_hv_type: 'kvm' }),
    refuses: 'the image needs i686/kvm, the host supports x86_64/kvm/hvm, x86_64/qemu/hvm, i686/qemu/hvm',
  },
  {
    when: 'the default architecture counts for images without one',
    spec: image({}),
    options: { filter_scheduler: { image_properties_default_architecture: 'aarch64' } },
    host: { supportedInstances: [['x86_64', 'kvm', 'hvm']] },
    refuses: 'the image needs aarch64, the host supports x86_64/kvm/hvm',
  },
  { when: 'hypervisor version in range', spec: image({ img_hv_requested_version: '>=9.0,<10' }) },
  {
    when: 'hypervisor too old',
    spec: image({ img_hv_requested_version: '>=10.0' }),
    refuses: 'the image needs hypervisor version >=10.0, the host runs 9.2.0',
  },
  {
    when: 'a version that is no predicate',
    spec: image({ img_hv_requested_version: 'new' }),
    refuses: "the image's hypervisor version 'new' is no predicate like >=6.0",
  },
  { when: 'address bits where the host reports none', spec: image({ hw_maxphysaddr_bits: '48' }) },
  {
    when: 'more address bits than there are',
    spec: image({ hw_maxphysaddr_bits: '48' }),
    host: { cpuInfo: { maxphysaddr: { bits: 42 } } },
    refuses: 'the image needs 48 physical address bits, the host has 42',
  },
])

function image(properties: Record<string, string>) {
  return { image: anImage(properties) }
}
