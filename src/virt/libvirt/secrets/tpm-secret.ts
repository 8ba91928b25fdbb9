import type { GuestSpec } from '../../guest-spec.ts'
import type { GuestSecrets } from './secrets.ts'

/**
 * Hands the daemon what opens the guest's TPM, under the uuid that its definition names. The passphrase is the secret's
 * text, for a TPM takes no bytes that are no text.
 */
export async function giveTpmSecret(secrets: GuestSecrets, { id, tpmSecret }: GuestSpec): Promise<void> {
  if (tpmSecret === undefined) return
  await secrets.put(id, 'vtpm', 'tpm', Buffer.from(tpmSecret.base64), tpmSecret.id)
}
