import { declareFault } from '#base'

export const BadService = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
/** No nova-compute has ever reported under this name. */
export const HostNotMapped = declareFault(
  'HostMappingNotFound',
  'missing',
  (p: { host: string }) => `Host '${p.host}' is not mapped to any cell`,
)
export const UnknownServiceAction = declareFault('UnknownServiceAction', 'missing', () => 'Unknown action')
export const ServiceGone = declareFault('ServiceGone', 'missing', (p: { id: string }) => `Service ${p.id} not found.`)
/** Numbers are a cell's own; uuids are not. */
export const ServiceNotUnique = declareFault(
  'ServiceNotUnique',
  'refused',
  (p: { id: string }) => `Service id ${p.id} refers to multiple services.`,
)
export const HostHasMoves = declareFault(
  'ServiceHasMigrations',
  'conflict',
  () =>
    'Unable to delete compute service that has in-progress migrations. Complete the migrations or delete the instances first.',
)
export const HostHasInstances = declareFault(
  'ServiceHostsInstances',
  'conflict',
  () => 'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
)
