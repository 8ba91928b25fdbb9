import type { DiskEncryption, GuestSpec } from '../../guest-spec.ts'
import { passphraseOf } from '../disks/disk-key.ts'
import type { GuestSecrets } from './secrets.ts'

/**
 * Hands the daemon what opens the guest's TPM and its encrypted disks, under the uuids that its definition names. The
 * TPM's passphrase is the secret's text, for a TPM takes no bytes that are no text.
 */
export async function giveSecrets(secrets: GuestSecrets, { id, tpmSecret, disks }: GuestSpec): Promise<void> {
  if (tpmSecret !== undefined) await secrets.put(id, 'vtpm', 'tpm', Buffer.from(tpmSecret.base64), tpmSecret.id)
  for (const { encryption } of disks) if (encryption !== undefined) await giveDiskSecret(secrets, id, encryption)
}

export async function giveDiskSecret(
  secrets: GuestSecrets,
  guestId: string,
  encryption: DiskEncryption,
): Promise<void> {
  const passphrase = passphraseOf(encryption)
  const { secretId } = encryption
  if (passphrase !== undefined) await secrets.put(guestId, 'volume', secretId, passphrase, secretId)
}
