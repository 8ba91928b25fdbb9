import { type Instance, type InstanceImage, tpmOf } from '#model'
import type { GuestSpec } from '#virt'
import type { ConductorDeps } from './deps.ts'

/** Nova's length: what the key manager makes for a TPM. */
const tpmSecretBytes = 48

const tpmKey = (instanceId: string): string => `vtpm of instance ${instanceId}`

/** What opens the TPM's state, for a guest that has one; the same for as long as the server is, wherever it goes. */
export async function tpmSecretOf(
  d: Pick<ConductorDeps, 'keys'>,
  instance: Instance,
  image: InstanceImage,
): Promise<Pick<GuestSpec, 'tpmSecret'>> {
  if (tpmOf({ flavor: instance.flavor, image }) === undefined) return {}
  const { id, secret } = await d.keys.ensure(tpmKey(instance.id), tpmSecretBytes)
  return { tpmSecret: { id, base64: Buffer.from(secret).toString('base64') } }
}

/** Of a server that is deleted. */
export const forgetTpmSecret = (d: Pick<ConductorDeps, 'keys'>, instanceId: string): Promise<void> =>
  d.keys.forget(tpmKey(instanceId))
