import { anything, bare, obj, oneOf, operation, reply, str, until } from '#api/kit'
import type { ConsoleKind } from '#virt'
import type { ApiDeps } from '../../deps.ts'
import { findServer } from '../servers/find.ts'
import { Malformed } from './malformed.ts'
import { consoleFaults, openConsole } from './open-console.ts'

const op = operation<ApiDeps, { id: string }>()
const exists = until('2.6')

/** One action per protocol. Unlike everywhere else the rule is asked before the server is looked up. */
const getConsole = <const T extends string>(kind: ConsoleKind, ...types: readonly T[]) =>
  op({
    exists,
    policy: 'os_compute_api:os-remote-consoles',
    body: bare(obj({ type: oneOf(...types) })),
    reply: reply('console', { type: str, url: str }),
    faults: consoleFaults,
    async handle({ path, body, caller, allow }, deps) {
      allow()
      const instance = await findServer(deps, caller, path.id)
      return { type: body.type, url: await openConsole(deps, caller, instance, { kind, type: body.type }) }
    },
  })

export const getVncConsole = getConsole('vnc', 'novnc', 'xvpvnc')
export const getSpiceConsole = getConsole('spice', 'spice-html5')
export const getSerialConsole = getConsole('serial', 'serial')

/** RDP went with Hyper-V. */
export const getRdpConsole = op({
  exists,
  status: 400,
  policy: null,
  body: bare(anything),
  faults: { HTTPBadRequest: 400 },
  handle() {
    throw Malformed({})
  },
})
