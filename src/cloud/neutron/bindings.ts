import { isDeepStrictEqual } from 'node:util'
import { Fault } from '#base'
import { inPath } from '../http/service-client.ts'
import type { NeutronApi } from './api.ts'
import { type NetworkPort, type PortBinding, PortNotBound } from './port.ts'
import type { WirePort } from './wire.ts'

/** Several bindings of one port, where Neutron has binding-extended; else a port has one, and a move rewrites it. */

interface WireBinding {
  readonly host: string
  readonly status: string
  readonly vnic_type: string
  readonly vif_type: string
  readonly vif_details?: Readonly<Record<string, unknown>>
  readonly profile?: Readonly<Record<string, unknown>>
}

type Moves = Pick<NetworkPort, 'addTargetBindings' | 'activateTargetBindings' | 'dropTargetBindings'>

const bindingOf = (portId: string, wire: WireBinding): PortBinding => ({
  portId,
  host: wire.host,
  vnicType: wire.vnic_type,
  vifType: wire.vif_type,
  vifDetails: wire.vif_details ?? {},
  profile: wire.profile ?? {},
})

const pathOf = (portId: string): string => `/ports/${inPath(portId)}`
const bindingPath = (portId: string, host: string): string => `${pathOf(portId)}/bindings/${inPath(host)}`

const listed = (api: NeutronApi, portId: string) =>
  api.list<WireBinding>('service', `ports/${inPath(portId)}/bindings`, {})

const portOf = (api: NeutronApi, portId: string) =>
  api.one<WirePort>('service', { method: 'GET', path: pathOf(portId) })

const asOne = (port: WirePort, host: string): PortBinding => ({
  portId: port.id,
  host,
  vnicType: port['binding:vnic_type'] ?? 'normal',
  vifType: port['binding:vif_type'] ?? 'unbound',
  vifDetails: port['binding:vif_details'] ?? {},
  profile: port['binding:profile'] ?? {},
})

/** The one binding that the port has learns of its next place before it goes there. */
const rewritten = (api: NeutronApi, portId: string, profile: PortBinding['profile']) =>
  api.one<WirePort>('service', { method: 'PUT', path: pathOf(portId), json: { port: { 'binding:profile': profile } } })

/** `isNew`: made now, so that whoever fails later takes it away again. */
async function added(
  api: NeutronApi,
  portId: string,
  host: string,
  wanted: PortBinding['profile'] | undefined,
): Promise<{ binding: PortBinding; isNew: boolean }> {
  const known = (await listed(api, portId)).find(binding => binding.host === host)
  if (known !== undefined && (wanted === undefined || isDeepStrictEqual(known.profile ?? {}, wanted)))
    return { binding: bindingOf(portId, known), isNew: false }
  const port = await portOf(api, portId)
  const profile = wanted ?? port['binding:profile'] ?? {}
  const binding = { host, vnic_type: port['binding:vnic_type'] ?? 'normal', profile }
  try {
    if (known !== undefined) {
      const path = bindingPath(portId, host)
      const changed = await api.one<WireBinding>('service', { method: 'PUT', path, json: { binding: { profile } } })
      return { binding: bindingOf(portId, changed), isNew: false }
    }
    const made = await api.one<WireBinding>('service', {
      method: 'POST',
      path: `${pathOf(portId)}/bindings`,
      json: { binding },
    })
    return { binding: bindingOf(portId, made), isNew: true }
  } catch (error) {
    throw PortNotBound({ id: portId }, { cause: error })
  }
}

const isStatus = (error: unknown, status: number): boolean => error instanceof Fault && error.status === status

async function dropped(api: NeutronApi, portIds: readonly string[], host: string): Promise<void> {
  for (const id of portIds) {
    try {
      const isWaiting = (await listed(api, id)).some(item => item.host === host && item.status === 'INACTIVE')
      if (isWaiting) await api.call('service', { method: 'DELETE', path: bindingPath(id, host) })
    } catch (error) {
      if (!isStatus(error, 404)) throw error
    }
  }
}

async function activated(api: NeutronApi, portId: string, host: string): Promise<void> {
  const active = (await listed(api, portId)).find(binding => binding.status === 'ACTIVE')
  if (active?.host === host) return
  try {
    await api.call('service', { method: 'PUT', path: `${bindingPath(portId, host)}/activate` })
  } catch (error) {
    // Somebody was faster with the same.
    if (!isStatus(error, 409)) throw error
  }
}

export function bindings(api: NeutronApi): Moves {
  const hasMany = () => api.has('binding-extended')
  return {
    async addTargetBindings(portIds, host, profiles) {
      const many = await hasMany()
      const made: string[] = []
      const result: PortBinding[] = []
      for (const id of portIds) {
        try {
          const profile = profiles?.get(id)
          if (!many) {
            result.push(asOne(profile === undefined ? await portOf(api, id) : await rewritten(api, id, profile), host))
            continue
          }
          const { binding, isNew } = await added(api, id, host, profile)
          if (isNew) made.push(id)
          result.push(binding)
        } catch (error) {
          await dropped(api, made, host)
          throw error
        }
      }
      return result
    },
    async activateTargetBindings(portIds, host) {
      const many = await hasMany()
      for (const id of portIds) {
        if (many) await activated(api, id, host)
        else {
          const json = { port: { 'binding:host_id': host } }
          await api.call('service', { method: 'PUT', path: pathOf(id), json })
        }
      }
    },
    async dropTargetBindings(portIds, host) {
      if (await hasMany()) await dropped(api, portIds, host)
    },
  }
}
