import { declareFault } from '#base'

/** 501: what the service, the host or the hypervisor behind the API cannot do. */
export const FeatureNotSupported = declareFault(
  'FeatureNotSupported',
  'refused',
  () => 'The requested functionality is not supported.',
  501,
)
