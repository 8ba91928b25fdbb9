import type { ConsoleOptions } from '#compute'
import type { Config } from '#config'
import { secondsOf } from './shared.ts'

/** The consoles of a host. A simulated one has every kind, whatever is enabled, so that all of them can be tried. */
export const consoleOptions = (
  { vnc, spice, serial_console, mks, consoleauth }: Config,
  hasAll: boolean,
): ConsoleOptions => ({
  offers: {
    vnc: {
      isEnabled: hasAll || vnc.enabled,
      proxies: { novnc: vnc.novncproxy_base_url },
      address: vnc.server_proxyclient_address,
    },
    spice: {
      isEnabled: hasAll || spice.enabled,
      proxies: { 'spice-html5': spice.html5proxy_base_url, 'spice-direct': spice.spice_direct_proxy_base_url },
      address: spice.server_proxyclient_address,
    },
    serial: {
      isEnabled: hasAll || serial_console.enabled,
      proxies: { serial: serial_console.base_url },
      address: serial_console.proxyclient_address,
    },
    mks: { isEnabled: hasAll || mks.enabled, proxies: { webmks: mks.mksproxy_base_url }, address: null },
  },
  tokenTtlMs: secondsOf(consoleauth.token_ttl),
})
