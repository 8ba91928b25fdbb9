import type { InstanceId } from '#base'
import type { ConsoleKind, ConsolePoint, Consoles } from '../../driver.ts'
import { asFault, domainById, procedures } from '../rpc/index.ts'
import { nodesAt, parseXml, type XmlNode } from '../xml-tree.ts'
import type { GuestContext } from './guest-context.ts'

/** What libvirt says about the displays and serial ports of a guest; ports that it picks itself are -1 while the guest is off. */
export class LibvirtConsoles implements Consoles {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  async find(id: InstanceId, kind: ConsoleKind): Promise<ConsolePoint | undefined> {
    if (kind === 'mks') return undefined
    try {
      const document = await this.#context.client.call(procedures.xml, { domain: domainById(id), flags: 0 })
      const domain = parseXml(document)
      return kind === 'serial' ? serialPoint(domain) : graphicsPoint(domain, kind)
    } catch (error) {
      throw asFault(error, 'console', id)
    }
  }
}

function graphicsPoint(domain: XmlNode, kind: 'vnc' | 'spice'): ConsolePoint | undefined {
  const graphics = nodesAt(domain, 'devices', 'graphics').find(node => node.attributes['type'] === kind)
  if (graphics === undefined) return undefined
  const { port = '-1', tlsPort, listen = '127.0.0.1' } = graphics.attributes
  return {
    host: listen,
    port: Number(port),
    tlsPort: tlsPort === undefined || tlsPort === '-1' ? null : Number(tlsPort),
    internalAccessPath: null,
  }
}

/** Only ports that listen on TCP can be given away. */
function serialPoint(domain: XmlNode): ConsolePoint | undefined {
  for (const port of nodesAt(domain, 'devices', 'serial')) {
    const source = nodesAt(port, 'source').find(node => node.attributes['mode'] === 'bind')
    if (port.attributes['type'] !== 'tcp' || source === undefined) continue
    const { host = '127.0.0.1', service = '-1' } = source.attributes
    // The port stands in the definition; behind it is somebody only while the guest runs.
    const isOn = domain.attributes['id'] !== undefined
    return { host, port: isOn ? Number(service) : -1, tlsPort: null, internalAccessPath: null }
  }
  return undefined
}
