import { bool, choice, int, str } from '../option.ts'

export const vncSection = {
  enabled: bool(true, 'Guests have a VNC display.', { deprecated: ['DEFAULT.vnc_enabled'] }),
  server_listen: str('127.0.0.1', 'Address of the display.', {
    deprecated: ['DEFAULT.vncserver_listen', 'vnc.vncserver_listen'],
  }),
  server_proxyclient_address: str('127.0.0.1', 'Address at which a proxy reaches it.', {
    deprecated: ['DEFAULT.vncserver_proxyclient_address', 'vnc.vncserver_proxyclient_address'],
  }),
  novncproxy_base_url: str('http://127.0.0.1:6080/vnc_auto.html', 'Page given to users.', {
    deprecated: ['DEFAULT.novncproxy_base_url'],
  }),
} as const

export const spiceSection = {
  enabled: bool(false, 'Guests have a SPICE display.'),
  agent_enabled: bool(true, 'Guests may have the SPICE agent.'),
  server_listen: str('127.0.0.1', 'Address of the display.'),
  server_proxyclient_address: str('127.0.0.1', 'Address at which a proxy reaches it.'),
  html5proxy_base_url: str('http://127.0.0.1:6082/spice_auto.html', 'Page given to users.'),
  spice_direct_proxy_base_url: str('http://127.0.0.1:13002/nova', 'Proxy for clients that speak SPICE themselves.'),
  require_secure: bool(false, 'Only encrypted connections.'),
  image_compression: choice(['auto_glz', 'auto_lz', 'quic', 'glz', 'lz', 'off'], null, 'How pictures are packed.'),
  jpeg_compression: choice(['auto', 'never', 'always'], null, 'JPEG over slow links.'),
  zlib_compression: choice(['auto', 'never', 'always'], null, 'zlib over slow links.'),
  playback_compression: bool(null, 'Sound is packed.'),
  streaming_mode: choice(['filter', 'all', 'off'], null, 'Video streams.'),
} as const

export const serialConsoleSection = {
  enabled: bool(false, 'Serial ports of guests listen on TCP.'),
  port_range: str('10000:20000', 'Ports for them.'),
  base_url: str('ws://127.0.0.1:6083/', 'Address given to users.'),
  proxyclient_address: str('127.0.0.1', 'Address at which a proxy reaches them.'),
} as const

export const mksSection = {
  enabled: bool(false, 'Guests have an MKS console.'),
  mksproxy_base_url: str('http://127.0.0.1:6090/', 'Address given to users.'),
} as const

export const consoleauthSection = {
  token_ttl: int(600, 'Seconds that a console token lives.', {
    min: 0,
    deprecated: ['DEFAULT.console_token_ttl'],
  }),
  enforce_session_timeout: bool(false, 'End sessions with their token.'),
} as const
