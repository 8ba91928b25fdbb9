import { declareFault } from '#base'

export const ServerGroupLimitExceeded = declareFault(
  'ServerGroupLimitExceeded',
  'refused',
  () => 'Quota exceeded, too many server groups.',
  403,
)
export const RulesNotSupported = declareFault(
  'ServerGroupRulesNotSupported',
  'refused',
  () => 'Only anti-affinity policy supports rules.',
)
