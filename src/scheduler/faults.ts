import { declareFault } from '#base'
import { notEnoughHosts } from './refusal-text.ts'

/** A name in `[filter_scheduler]enabled_filters` that this scheduler does not have: the service does not start. */
export const HostFilterNotFound = declareFault(
  'SchedulerHostFilterNotFound',
  'final',
  (p: { name: string; known: string; hint: string }) =>
    `Scheduler Host Filter ${p.name} could not be found.${p.hint} Known filters: ${p.known}.`,
)

/** A name in `[filter_scheduler]weight_classes` that this scheduler does not have. */
export const HostWeigherNotFound = declareFault(
  'SchedulerHostWeigherNotFound',
  'final',
  (p: { name: string; known: string }) =>
    `Scheduler Host Weigher ${p.name} could not be found. Known weighers: ${p.known}.`,
)

/** The instance holds other allocations already: of an earlier run, or of a move that did not hand them over. */
export const AllocationUpdateFailed = declareFault(
  'AllocationUpdateFailed',
  'conflict',
  (p: { consumer: string; error: string }) =>
    `Failed to update allocations for consumer ${p.consumer}. Error: ${p.error}`,
)

/** The query names a class or trait that nobody has ever offered: no host can fit. Ends as an answer, not as a fault. */
export const QueryRefused = declareFault(
  'PlacementQueryRefused',
  'refused',
  (p: { reason: string }) => `${notEnoughHosts} Placement: ${p.reason}`,
)
