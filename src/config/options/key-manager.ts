import { bool, int, str } from '../option.ts'
import { session } from './session.ts'

export const keyManagerSection = {
  backend: str(
    null,
    'Where secrets are: barbican, or nova.keymgr.conf_key_mgr.ConfKeyManager for nothing but the fixed key; without it they are files of this machine.',
    { deprecated: ['key_manager.api_class'] },
  ),
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

export const barbicanSection = {
  barbican_endpoint: str(null, 'Endpoint of Barbican to use instead of the catalog.'),
  barbican_endpoint_type: str('public', 'Endpoint in the catalog.', { choices: ['public', 'internal', 'admin'] }),
  barbican_region_name: str(null, 'Region of the endpoint.'),
  verify_ssl: bool(true, "Check Barbican's certificate."),
  verify_ssl_path: str(null, 'File of the certificate authorities for that.'),
  send_service_user_token: bool(false, 'Send a service token along.'),
} as const

export const barbicanServiceUserSection = session('key-manager')
