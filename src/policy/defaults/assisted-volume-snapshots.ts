import { type RuleDefault, rule, service } from '../rule-default.ts'

/** Snapshots of attached volumes, asked for by the volume service. */
export const assistedVolumeSnapshots: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-assisted-volume-snapshots:create',
    service,
    'Create a volume snapshot through the hypervisor',
    ['POST /os-assisted-volume-snapshots'],
  ),
  rule(
    'os_compute_api:os-assisted-volume-snapshots:delete',
    service,
    'Delete a volume snapshot through the hypervisor',
    ['DELETE /os-assisted-volume-snapshots/{id}'],
  ),
]
