import { admin, anyone, type RuleDefault, rule } from '../rule-default.ts'

/** Availability zones. */
export const availabilityZones: readonly RuleDefault[] = [
  rule('os_compute_api:os-availability-zone:list', anyone, 'List availability zones', ['GET /os-availability-zone']),
  rule('os_compute_api:os-availability-zone:detail', admin, 'List availability zones with their hosts and services', [
    'GET /os-availability-zone/detail',
  ]),
]
