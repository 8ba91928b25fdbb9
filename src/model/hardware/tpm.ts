const versions = ['1.2', '2.0'] as const

export interface TpmWish {
  readonly version: (typeof versions)[number]
  readonly model: 'tpm-tis' | 'tpm-crb'
}

interface Wisher {
  readonly flavor: { readonly extraSpecs: Readonly<Record<string, string>> }
  readonly image: { readonly properties: Readonly<Record<string, string>> }
}

/** The TPM that flavor or image ask for. */
export function tpmOf({ flavor, image }: Wisher): TpmWish | undefined {
  const asked = (key: string) => flavor.extraSpecs[`hw:tpm_${key}`] ?? image.properties[`hw_tpm_${key}`]
  const version = versions.find(known => known === asked('version'))
  if (version === undefined) return undefined
  return { version, model: asked('model') === 'tpm-crb' ? 'tpm-crb' : 'tpm-tis' }
}
