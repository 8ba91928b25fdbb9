import { resource } from '#api/kit'
import { getRdpConsole, getSerialConsole, getSpiceConsole, getVncConsole } from './actions.ts'
import { createRemoteConsole } from './remote.ts'
import { showConsoleToken } from './tokens.ts'

/** Ways to a guest's display: an address with a token that a proxy takes once it has asked for whom it is. */
export const consoles = resource('/servers/{id}', {
  'POST /action os-getVNCConsole': getVncConsole,
  'POST /action os-getSPICEConsole': getSpiceConsole,
  'POST /action os-getSerialConsole': getSerialConsole,
  'POST /action os-getRDPConsole': getRdpConsole,
  'POST /remote-consoles': createRemoteConsole,
})

export const consoleTokens = resource('/os-console-auth-tokens', { 'GET /{token}': showConsoleToken })
