import type { Clock } from '#base'
import { bodyOf, HttpClient, type HttpReply } from '../http/client.ts'
import { NeighbourFailed } from '../http/faults.ts'
import { inPath } from '../http/service-client.ts'
import type { IdentityPort } from '../keystone/port.ts'
import type { BaremetalNode, BaremetalPort } from './port.ts'

interface WireNode {
  readonly uuid: string
  readonly provision_state: string | null
  readonly instance_uuid: string | null
  readonly properties?: Readonly<Record<string, unknown>>
}

const nodeOf = (wire: WireNode): BaremetalNode => ({
  id: wire.uuid,
  provisionState: wire.provision_state,
  instanceId: wire.instance_uuid,
  properties: wire.properties ?? {},
})

/** The version that names all states as they are. */
const version = { 'x-openstack-ironic-api-version': '1.38' }

/** Finds Ironic in the catalogue at every question, so that one may be added while Nova runs. */
export function ironicPort(identity: IdentityPort, clock: Clock): BaremetalPort {
  const http = new HttpClient({ clock })

  const ask = async (base: string, path: string): Promise<HttpReply> => {
    const { token } = await identity.serviceCaller()
    const url = /^https?:/.test(path) ? path : `${base.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1${path}`
    const headers = { 'x-auth-token': token, ...version }
    const reply = await http.send({ service: 'baremetal', method: 'GET', url, headers })
    if (reply.status === 200 || reply.status === 404) return reply
    const detail = `${reply.place}: ${reply.text.slice(0, 500)}`
    throw NeighbourFailed({ service: 'baremetal', status: reply.status }, { detail })
  }
  const withIronic = async <T>(work: (base: string) => Promise<T>): Promise<T | undefined> => {
    const base = await identity.endpoint('baremetal', 'public')
    return base === undefined ? undefined : work(base)
  }

  return {
    nodes: () =>
      withIronic(async base => {
        const nodes: BaremetalNode[] = []
        let next: string | undefined = '/nodes/detail'
        while (next !== undefined) {
          const page: { nodes: WireNode[]; next?: string } = bodyOf(await ask(base, next))
          nodes.push(...page.nodes.map(nodeOf))
          next = page.next
        }
        return nodes
      }),
    node: id =>
      withIronic(async base => {
        const reply = await ask(base, `/nodes/${inPath(id)}`)
        if (reply.status === 404) return null
        const ports = bodyOf<{ ports: { address: string }[] }>(await ask(base, `/nodes/${inPath(id)}/ports`))
        return { ...nodeOf(bodyOf(reply)), macs: ports.ports.map(({ address }) => address) }
      }),
  }
}
