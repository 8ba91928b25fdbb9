import { demand } from '../placement-query/flavor-demands.ts'
import type { RequestFilter } from './request-filter.ts'

const levels = new Set(['user', 'host', 'deployment'])

/** A virtual TPM's secret is kept in one of three ways, and the host must offer the one asked for. */
export const tpmSecretSecurityFilter: RequestFilter = {
  name: 'tpm_secret_security_filter',
  apply({ spec }) {
    if (demand(spec, 'tpm_version') === undefined) return null
    const level = spec.flavor.extraSpecs['hw:tpm_secret_security'] ?? 'user'
    if (!levels.has(level)) return { refuses: `TPM secret security '${level}' is not supported.` }
    const trait = `COMPUTE_SECURITY_TPM_SECRET_SECURITY_${level.toUpperCase()}`
    return { says: `the TPM's secret is kept by the ${level}`, change: { rootRequired: [trait] } }
  },
}
