import { chooseTopology } from './cpu-topology.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { flavorOrImage, positiveInteger } from './properties.ts'

export const vcpu: Family = spec => element('vcpu', {}, spec.flavor.vcpus)

export const cpu: Family = (spec, host) => {
  const wish = (extraSpec: string, property: string) => positiveInteger(flavorOrImage(spec, extraSpec, property))
  const topology = chooseTopology(
    spec.flavor.vcpus,
    {
      sockets: wish('hw:cpu_sockets', 'hw_cpu_sockets'),
      cores: wish('hw:cpu_cores', 'hw_cpu_cores'),
      threads: wish('hw:cpu_threads', 'hw_cpu_threads'),
    },
    {
      sockets: wish('hw:cpu_max_sockets', 'hw_cpu_max_sockets'),
      cores: wish('hw:cpu_max_cores', 'hw_cpu_max_cores'),
      threads: wish('hw:cpu_max_threads', 'hw_cpu_max_threads'),
    },
  )
  return modeElement(host, element('topology', { ...topology }))
}

function modeElement(host: DomainHost, topology: XmlElement): XmlElement {
  switch (host.cpu.mode) {
    case 'none':
      return element('cpu', {}, topology)
    case 'custom':
      return element('cpu', { mode: 'custom', match: 'exact' }, element('model', {}, host.cpu.model), topology)
    default:
      return element(
        'cpu',
        { mode: host.cpu.mode, check: host.cpu.mode === 'host-model' ? 'partial' : 'none' },
        topology,
      )
  }
}
