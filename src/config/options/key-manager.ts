import { bool, int, str } from '../option.ts'

export const keyManagerSection = {
  fixed_key: str(null, 'Key of encrypted volumes, in hexadecimal digits; without it one is made and kept.', {
    secret: true,
  }),
} as const

export const ephemeralEncryptionSection = {
  enabled: bool(false, 'The local disks of all new servers are encrypted, whatever their flavors and images ask for.'),
  cipher: str('aes-xts-plain64', 'Cipher, mode and generator of initialisation vectors of these disks.'),
  key_size: int(512, 'Bits of their keys; XTS has two keys, and both count.', { min: 1 }),
  default_format: str('luks', 'Format of encrypted disks that ask for none.', { choices: ['luks'] }),
} as const
