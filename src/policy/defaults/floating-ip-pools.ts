import { anyone, type RuleDefault, rule } from '../rule-default.ts'

/** Pools of floating addresses, by proxy. */
export const floatingIpPools: readonly RuleDefault[] = [
  rule('os_compute_api:os-floating-ip-pools', anyone, 'List pools of floating addresses', [
    'GET /os-floating-ip-pools',
  ]),
]
