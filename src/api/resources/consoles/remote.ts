import { oneOf, operation, reply, request, since, str } from '#api/kit'
import { declareFault } from '#base'
import type { ConsoleKind } from '#virt'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { consoleFaults, openConsole } from './open-console.ts'

const TypeInvalid = declareFault(
  'ConsoleTypeInvalid',
  'refused',
  (p: { type: string }) => `Invalid console type ${p.type}`,
)

const protocol = oneOf('vnc', 'spice', 'rdp', 'serial')
const type = oneOf('novnc', 'xvpvnc', 'rdp-html5', 'spice-html5', 'serial')
const newProtocol = oneOf('vnc', 'spice', 'rdp', 'serial', 'mks')
const newType = oneOf('novnc', 'xvpvnc', 'rdp-html5', 'spice-html5', 'serial', 'webmks')
const newestType = oneOf('novnc', 'xvpvnc', 'rdp-html5', 'spice-html5', 'serial', 'webmks', 'spice-direct')

const kinds: ReadonlySet<string> = new Set<ConsoleKind>(['vnc', 'spice', 'serial', 'mks'])
const isKind = (name: string): name is ConsoleKind => kinds.has(name)

/** A console by protocol and type; which types a protocol has is the host's knowledge. */
export const createRemoteConsole = operation<ApiDeps, { id: string }>()({
  exists: since('2.6'),
  policy: 'os_compute_api:os-remote-consoles',
  body: request('remote_console', {
    protocol: protocol.from('2.8', newProtocol),
    type: type.from('2.8', newType).from('2.99', newestType),
  }),
  reply: reply('remote_console', { protocol: str, type: str, url: str }),
  faults: consoleFaults,
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    // The schema still has a protocol that no host does.
    if (!isKind(body.protocol)) throw TypeInvalid({ type: body.type })
    const url = await openConsole(deps, caller, instance, { kind: body.protocol, type: body.type })
    return { protocol: body.protocol, type: body.type, url }
  },
})
