/** What a user does with a cloud of separate processes. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newUuid, waitFor } from '#base'
import type { Cloud } from './processes.ts'

export interface Server {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly fault?: { message: string }
  readonly addresses: Readonly<Record<string, readonly { addr: string }[]>>
  readonly 'OS-EXT-STS:task_state': string | null
  readonly 'OS-EXT-SRV-ATTR:host'?: string | null
}

export class CloudUser {
  readonly #cloud: Cloud
  #imageId = ''
  #flavorId = ''
  networkId = ''

  constructor(cloud: Cloud) {
    this.#cloud = cloud
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const port = this.#cloud.service['nova-api-os-compute'].port('nova-api-os-compute')
    const { token } = await this.#cloud.builtIn.identity.serviceCaller()
    const reply = await fetch(`http://127.0.0.1:${port}/v2.1${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.90' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    assert.ok(reply.ok, `${method} ${path} was answered with ${reply.status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async furnish(): Promise<void> {
    const { builtIn } = this.#cloud
    this.#imageId = newUuid()
    await builtIn.imageService.register.reserve({ id: this.#imageId, name: 'cirros', diskFormat: 'qcow2' })
    const bits = join(builtIn.folder, 'cirros.qcow2')
    writeFileSync(bits, 'no real image')
    await builtIn.imageService.register.publish(this.#imageId, bits)
    const projectId = (await builtIn.identity.serviceCaller()).projectId ?? ''
    this.networkId = (await builtIn.networkService.ensureDefaultNetwork({ projectId, name: 'private' })).id
    const flavor = { name: 'm1.micro', ram: 128, disk: 1, vcpus: 1 }
    this.#flavorId = (await this.call<{ flavor: { id: string } }>('POST', '/flavors', { flavor })).flavor.id
    await waitFor('the host to be reported', async () => (await this.#hosts()).includes('host-1') || undefined, {
      deadlineMs: 60_000,
    })
  }

  async #hosts(): Promise<readonly string[]> {
    const { placement } = this.#cloud.builtIn
    const candidates = await placement.candidates({
      groups: [{ suffix: '', resources: { VCPU: 1 }, required: [], forbidden: [], memberOf: [], notMemberOf: [] }],
      rootRequired: [],
      rootForbidden: [],
      sameSubtrees: [],
    })
    const ids = Object.keys(candidates.summaries)
    return Promise.all(ids.map(async id => (await placement.provider(id))?.name ?? ''))
  }

  boot(name: string, count = 1, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const networks = [{ uuid: this.networkId }]
    const server = { name, imageRef: this.#imageId, flavorRef: this.#flavorId, networks, min_count: count, ...more }
    return this.call('POST', '/servers', { server })
  }

  /** One server; its id. `more` is added to the request. */
  async create(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return ((await this.boot(name, 1, more)) as { server: { id: string } }).server.id
  }

  /** One that no host has room for; its id. */
  async createBig(name: string): Promise<string> {
    const flavor = { name: `m1.${name}`, ram: 1024 ** 2, disk: 1, vcpus: 1 }
    const made = await this.call<{ flavor: { id: string } }>('POST', '/flavors', { flavor })
    return this.create(name, { flavorRef: made.flavor.id })
  }

  act(id: string, action: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.call('POST', `/servers/${id}/action`, action)
  }

  server(id: string): Promise<{ server: Server }> {
    return this.call('GET', `/servers/${id}`)
  }

  async exists(id: string): Promise<boolean> {
    const { servers } = await this.call<{ servers: readonly unknown[] }>('GET', `/servers?uuid=${id}`)
    return servers.length > 0
  }

  async servers(): Promise<readonly Server[]> {
    return (await this.call<{ servers: readonly Server[] }>('GET', '/servers/detail')).servers
  }

  /** That many servers, nothing in error, each as `isAsWished` says. */
  all(count: number, isAsWished: (server: Server) => boolean = s => s.status === 'ACTIVE'): Promise<true> {
    return waitFor(
      `${count} servers as they should be`,
      async () => {
        const all = await this.servers()
        const failed = all.find(s => s.status === 'ERROR')
        assert.equal(failed, undefined, JSON.stringify(failed))
        return (all.length === count && all.every(isAsWished)) || undefined
      },
      { deadlineMs: 120_000, everyMs: 100 },
    )
  }

  /** One port, and one allocation, for each server, and nothing else. */
  async assertNothingLeftOver(): Promise<void> {
    const { network, placement } = this.#cloud.builtIn
    const all = await this.servers()
    const ports = (await network.ports('service', { networkId: this.networkId })).filter(p =>
      p.deviceOwner.startsWith('compute:'),
    )
    assert.deepEqual(ports.map(p => p.deviceId).sort(), all.map(s => s.id).sort())
    for (const { id } of all) {
      const { allocations } = await placement.consumer(id)
      assert.deepEqual(Object.values(allocations), [{ VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 }])
    }
  }
}
