import type { RequestFilter } from './request-filter.ts'

/** Ports whose card is run by a device beside the host need a hypervisor that can leave it alone. */
export const remoteManagedPortsFilter: RequestFilter = {
  name: 'remote_managed_ports_filter',
  apply({ spec: { ports = [] } }) {
    const remote = ports.filter(port => port.vnicType === 'remote-managed')
    if (remote.length === 0) return null
    const says = `ports ${remote.map(port => port.id).join(', ')} are remote-managed`
    return { says, change: { rootRequired: ['COMPUTE_REMOTE_MANAGED_PORTS'] } }
  },
}
