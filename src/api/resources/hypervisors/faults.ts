import { declareFault } from '#base'

export const BadHypervisor = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
export const HypervisorNotFound = declareFault(
  'HypervisorNotFound',
  'missing',
  (p: { id: string }) => `Hypervisor with ID '${p.id}' could not be found.`,
)
export const NoHypervisorMatches = declareFault(
  'NoHypervisorMatches',
  'missing',
  (p: { pattern: string }) => `No hypervisor matching '${p.pattern}' could be found.`,
)
