import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { flavorOrImage } from './properties.ts'

const versions = ['1.2', '2.0'] as const

export interface TpmWish {
  readonly version: (typeof versions)[number]
  readonly model: 'tpm-tis' | 'tpm-crb'
}

export function tpmOf(spec: Pick<GuestSpec, 'flavor' | 'image'>): TpmWish | undefined {
  const asked = flavorOrImage(spec as GuestSpec, 'hw:tpm_version', 'hw_tpm_version')
  const version = versions.find(known => known === asked)
  if (version === undefined) return undefined
  const model = flavorOrImage(spec as GuestSpec, 'hw:tpm_model', 'hw_tpm_model')
  return { version, model: model === 'tpm-crb' ? 'tpm-crb' : 'tpm-tis' }
}

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
