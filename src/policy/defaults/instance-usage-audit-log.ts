import { admin, oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Runs of the usage audit. */
export const instanceUsageAuditLog: readonly RuleDefault[] = [
  rule(
    'os_compute_api:os-instance-usage-audit-log:list',
    admin,
    'List usage audits',
    ['GET /os-instance_usage_audit_log'],
    { was: 'os_compute_api:os-instance-usage-audit-log', check: oldAdmin },
  ),
  rule(
    'os_compute_api:os-instance-usage-audit-log:show',
    admin,
    'Show a usage audit of a period',
    ['GET /os-instance_usage_audit_log/{id}'],
    { was: 'os_compute_api:os-instance-usage-audit-log', check: oldAdmin },
  ),
]
