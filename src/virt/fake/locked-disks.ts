import { HypervisorError } from '../faults.ts'
import type { GuestSpec } from '../guest-spec.ts'

/** The disks without what opens them, which whoever boots the guest must bring. */
export const locked = ({ disks }: GuestSpec): GuestSpec['disks'] =>
  disks.map(disk => {
    if (disk.encryption === undefined) return disk
    const { base64, ...encryption } = disk.encryption
    if (base64 !== undefined) return { ...disk, encryption }
    const reason = `nobody has told the passphrase ${encryption.secretId}`
    throw HypervisorError({ operation: 'open encrypted disk', reason })
  })
