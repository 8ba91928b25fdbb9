import { tpmOf } from '#model'
import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'

/** What the TPM keeps lies on the host's disk encrypted with the guest's secret. */
export const tpm: Family = spec => {
  const wish = tpmOf(spec)
  if (wish === undefined) return undefined
  const secret = spec.tpmSecret?.id
  return element(
    'tpm',
    { model: wish.model },
    element(
      'backend',
      { type: 'emulator', version: wish.version },
      secret === undefined ? undefined : element('encryption', { secret }),
    ),
  )
}

export function tpmComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  if (tpmOf(spec) === undefined) return undefined
  if (!host.settings.hasTpm) return 'Emulated TPMs are not offered by this host.'
  return spec.tpmSecret === undefined ? 'Refusing to create an emulated TPM with no secret!' : undefined
}
