/** Everything a cloud can be asked for, so that every type of notification is heard of it. All of it by the public API. */
import assert from 'node:assert/strict'
import { waitFor } from '#base'
import { HypervisorError, HypervisorUnavailable } from '#virt'
import { type ApiCloud, type Ask, type Json, newest } from '../api/harness.ts'
import { anImage } from '../api/images.ts'

const deadlineMs = 60_000
export const hosts = ['one', 'two', 'three'] as const

const refused = (operation: string) => HypervisorError({ operation, reason: 'planned' })

export class Scenarios {
  readonly cloud: ApiCloud

  constructor(cloud: ApiCloud) {
    this.cloud = cloud
  }

  #asAdmin(method: string, path: string, body?: unknown, version = newest) {
    const ask = { as: this.cloud.admin, version, ...(body === undefined ? {} : { body }) }
    return this.cloud.request(method, path, ask)
  }

  async act(id: string, body: object, status: number, ask: Ask = {}): Promise<void> {
    ;(
      await this.cloud.request('POST', `/servers/${id}/action`, { version: newest, as: this.cloud.admin, ...ask, body })
    ).expect(status)
  }

  /** Asked for, and over. */
  async done(id: string, body: object, becomes: string, ask: Ask & { status?: number } = {}): Promise<void> {
    await this.act(id, body, ask.status ?? 202, ask)
    await this.cloud.waitForStatus(id, becomes)
  }

  async hostOf(id: string): Promise<string> {
    return (await this.cloud.server(id, { as: this.cloud.admin }))['OS-EXT-SRV-ATTR:host']
  }

  async driverOf(id: string) {
    const driver = this.cloud.drivers.get(await this.hostOf(id))
    assert.ok(driver !== undefined)
    return driver
  }

  async remove(id: string): Promise<void> {
    await this.act(id, { forceDelete: null }, 202)
    await this.cloud.waitUntilGone(id)
  }

  async keypairs(): Promise<void> {
    const { cloud } = this
    const make = async (name: string, fields: object) =>
      (await cloud.request('POST', '/os-keypairs', { version: '2.90', body: { keypair: { name, ...fields } } })).expect(
        201,
      ).body.keypair
    const made = await make('made', {})
    await make('given', { public_key: made.public_key })
    ;(await cloud.request('DELETE', '/os-keypairs/given', { version: newest })).expect(204)
  }

  async flavors(): Promise<void> {
    const id = await this.cloud.newFlavor({ name: 'told', 'os-flavor-access:is_public': false })
    ;(await this.#asAdmin('PUT', `/flavors/${id}`, { flavor: { description: 'new' } })).expect(200)
    ;(await this.#asAdmin('POST', `/flavors/${id}/os-extra_specs`, { extra_specs: { 'hw:numa_nodes': '1' } })).expect(
      200,
    )
    const tenant = this.cloud.member.projectId
    ;(await this.#asAdmin('POST', `/flavors/${id}/action`, { addTenantAccess: { tenant } })).expect(200)
    ;(await this.#asAdmin('DELETE', `/flavors/${id}`)).expect(202)
  }

  async aggregates(): Promise<void> {
    const [host] = hosts
    const made = await this.#asAdmin('POST', '/os-aggregates', { aggregate: { name: 'told' } })
    const path = `/os-aggregates/${made.expect(200).body.aggregate.id}`
    const act = async (body: object) => (await this.#asAdmin('POST', `${path}/action`, body)).expect(200)
    ;(await this.#asAdmin('PUT', path, { aggregate: { name: 'renamed' } })).expect(200)
    await act({ add_host: { host } })
    await act({ set_metadata: { metadata: { fast: 'yes' } } })
    ;(await this.#asAdmin('POST', `${path}/images`, { cache: [{ id: this.cloud.imageId }] })).expect(202)
    await act({ remove_host: { host } })
    ;(await this.#asAdmin('DELETE', path)).expect(200)
  }

  async groups(): Promise<void> {
    const { cloud } = this
    const body = { server_group: { name: 'told', policy: 'anti-affinity', rules: { max_server_per_host: 2 } } }
    const { server_group: group } = (
      await cloud.request('POST', '/os-server-groups', { version: newest, body })
    ).expect(200).body
    await this.remove(await cloud.bootServer({ hints: { group: group.id } }))
    ;(await cloud.request('DELETE', `/os-server-groups/${group.id}`)).expect(204)
  }

  /** What is done to one server that stays where it is. */
  async power(id: string): Promise<void> {
    await this.act(id, { lock: { locked_reason: 'told' } }, 202)
    await this.act(id, { unlock: null }, 202)
    await this.done(id, { pause: null }, 'PAUSED')
    await this.done(id, { unpause: null }, 'ACTIVE')
    await this.done(id, { suspend: null }, 'SUSPENDED')
    await this.done(id, { resume: null }, 'ACTIVE')
    await this.done(id, { 'os-stop': null }, 'SHUTOFF')
    await this.done(id, { 'os-start': null }, 'ACTIVE')
    await this.done(id, { reboot: { type: 'HARD' } }, 'ACTIVE')
    ;(await this.driverOf(id)).failNext('reboot', refused('reboot'))
    await this.done(id, { reboot: { type: 'HARD' } }, 'ACTIVE')
    await this.act(id, { trigger_crash_dump: null }, 202)
    await this.done(id, { rescue: {} }, 'RESCUE', { status: 200 })
    await this.done(id, { unrescue: null }, 'ACTIVE')
    ;(await this.cloud.request('PUT', `/servers/${id}/tags/new`, { version: newest })).expect(201)
    const renamed = { server: { name: 'renamed' } }
    ;(await this.cloud.request('PUT', `/servers/${id}`, { version: newest, body: renamed })).expect(200)
  }

  async images(id: string): Promise<void> {
    const { cloud } = this
    await this.done(id, { createImage: { name: 'told' } }, 'ACTIVE')
    const { imageId: imageRef } = cloud
    await this.done(id, { rebuild: { imageRef } }, 'ACTIVE')
    ;(await this.driverOf(id)).failNext('rebuild', refused('rebuild'))
    await this.done(id, { rebuild: { imageRef } }, 'ERROR')
    await this.done(id, { rebuild: { imageRef } }, 'ACTIVE')
    const alien = await anImage(cloud, 'alien', { hw_architecture: 'aarch64' })
    await this.done(id, { rebuild: { imageRef: alien } }, 'ERROR')
    await this.done(id, { rebuild: { imageRef } }, 'ACTIVE')
    await this.done(id, { shelve: null }, 'SHELVED_OFFLOADED')
    await this.done(id, { unshelve: null }, 'ACTIVE')
  }

  async interfaces(id: string): Promise<void> {
    const { cloud } = this
    const path = `/servers/${id}/os-interface`
    const body = { interfaceAttachment: { net_id: cloud.networkId } }
    const made = (await cloud.request('POST', path, { version: newest, body })).expect(200).body.interfaceAttachment
    ;(await cloud.request('DELETE', `${path}/${made.port_id}`)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    ;(await this.driverOf(id)).failNext('attachVif', refused('attach'))
    ;(await cloud.request('POST', path, { version: newest, body })).expect(500)
  }

  async volumes(id: string): Promise<void> {
    const { cloud } = this
    const path = `/servers/${id}/os-volume_attachments`
    const attach = async (volumeId: string) =>
      (await cloud.request('POST', path, { version: newest, body: { volumeAttachment: { volumeId } } })).expect(202)
    const [first, second, third] = [await cloud.newVolume(), await cloud.newVolume(), await cloud.newVolume()]
    await attach(first)
    await cloud.volumeIs(first, 'in-use')
    ;(await this.driverOf(id)).failNext('attachVolume', refused('attach volume'))
    await attach(third)
    await this.#noted(id, 'attach_volume', 'Error')
    const swap = async (from: string, volumeId: string) =>
      (await this.#asAdmin('PUT', `${path}/${from}`, { volumeAttachment: { volumeId } })).expect(202)
    ;(await this.driverOf(id)).failNext('swapVolume', refused('swap volume'))
    await swap(first, second)
    await this.#noted(id, 'swap_volume', 'Error')
    await cloud.volumeIs(second, 'available')
    await swap(first, second)
    await cloud.volumeIs(second, 'in-use')
    await cloud.volumeIs(first, 'available')
    ;(await cloud.request('DELETE', `${path}/${second}`)).expect(202)
    await cloud.volumeIs(second, 'available')
  }

  /** Until the newest action is this one, with that result. */
  async #noted(id: string, action: string, message: string | null): Promise<void> {
    await waitFor(
      `${action} to end`,
      async () => {
        const { instanceActions } = (await this.#asAdmin('GET', `/servers/${id}/os-instance-actions`)).expect(200).body
        const [newestAction] = instanceActions as Json[]
        return (newestAction.action === action && newestAction.message === message) || undefined
      },
      { deadlineMs, everyMs: 10 },
    )
  }

  async shares(): Promise<void> {
    const { cloud } = this
    const id = await cloud.bootServer()
    await this.done(id, { 'os-stop': null }, 'SHUTOFF')
    const attach = async (share: string) =>
      (
        await cloud.request('POST', `/servers/${id}/shares`, { version: newest, body: { share: { share_id: share } } })
      ).expect(201)
    const detach = async (share: string) =>
      (await cloud.request('DELETE', `/servers/${id}/shares/${share}`, { version: newest })).expect(200)
    const is = (share: string, status: string | undefined) =>
      waitFor(
        `the share to be ${status}`,
        async () => {
          const answer = await this.#asAdmin('GET', `/servers/${id}/shares/${share}`)
          return (answer.status === 404 ? undefined : answer.body.share.status) === status || undefined
        },
        { deadlineMs, everyMs: 10 },
      )
    const breaks = (share: string) =>
      cloud.manila('POST', `/shares/${share}/action`, { reset_status: { status: 'error' } }, cloud.admin)
    const good = await cloud.newShare()
    await attach(good)
    await is(good, 'inactive')
    await detach(good)
    await is(good, undefined)
    const other = await cloud.newShare()
    await attach(other)
    await is(other, 'inactive')
    // Another service has locked what Nova would have to take away.
    const backup = await cloud.add('backup', 'member', cloud.member.projectId)
    const { roles } = await cloud.keystone('GET', '/roles')
    const role = roles.find(({ name }: { readonly name: string }) => name === 'service')
    await cloud.keystone('PUT', `/projects/${backup.projectId}/users/${backup.userId}/roles/${role.id}`)
    const { access_list: rules } = await cloud.manila(
      'GET',
      `/share-access-rules?share_id=${other}`,
      undefined,
      cloud.admin,
    )
    const lock = { resource_id: rules[0].id, resource_type: 'access_rule', resource_action: 'delete' }
    await cloud.manila('POST', '/resource-locks', { resource_lock: lock }, backup)
    await detach(other)
    await is(other, 'error')
    // The share breaks while the server's host, which has something else to do first, does not answer.
    const late = await cloud.newShare()
    const host = await this.hostOf(id)
    await cloud.stopHost(host)
    await this.act(id, { createImage: { name: 'late' } }, 202)
    await attach(late)
    await breaks(late)
    await cloud.startHost(host)
    await is(late, 'error')
    await this.remove(id)
  }

  async softDelete(): Promise<void> {
    const { cloud } = this
    const id = await cloud.bootServer()
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitForStatus(id, 'SOFT_DELETED')
    await this.done(id, { restore: null }, 'ACTIVE')
    await this.remove(id)
  }

  async failedBuilds(): Promise<void> {
    const { cloud } = this
    for (const driver of cloud.drivers.values()) driver.failNext('spawn', refused('spawn'))
    const failed = await cloud.bootServer({ status: 'ERROR' })
    await this.remove(failed)
    const flavorRef = await cloud.newFlavor({ name: 'huge', vcpus: 400 })
    await this.remove(await cloud.bootServer({ fields: { flavorRef }, status: 'ERROR' }))
    await cloud.waitUntilGone(failed)
  }

  async resizes(id: string): Promise<void> {
    const { cloud } = this
    const flavorRef = await cloud.newFlavor({ name: 'larger', ram: 256 })
    await this.done(id, { resize: { flavorRef } }, 'VERIFY_RESIZE')
    await this.done(id, { revertResize: null }, 'ACTIVE')
    // Once for each of the other hosts that it might go to.
    const source = await this.driverOf(id)
    for (const host of hosts.slice(1)) source.failNext('offer', refused(`offer to ${host}`))
    await this.act(id, { resize: { flavorRef } }, 202)
    await this.#noted(id, 'resize', 'Error')
    await this.done(id, { resize: { flavorRef } }, 'VERIFY_RESIZE')
    await this.act(id, { confirmResize: null }, 204)
    await cloud.waitForStatus(id, 'ACTIVE')
    const gigantic = await cloud.newFlavor({ name: 'gigantic', vcpus: 400 })
    await this.act(id, { resize: { flavorRef: gigantic } }, 202)
    await this.#noted(id, 'resize', 'Error')
  }

  async liveMigrations(id: string): Promise<void> {
    const { cloud } = this
    const live = { 'os-migrateLive': { host: null, block_migration: 'auto' } }
    const running = async () => {
      ;(await this.driverOf(id)).copyBrake.hold()
      await this.act(id, live, 202)
      return waitFor(
        'the copy to run',
        async () => {
          const { migrations } = (await this.#asAdmin('GET', `/servers/${id}/migrations`)).expect(200).body
          return migrations[0]?.status === 'running' && migrations[0].memory_total_bytes !== null
            ? migrations[0]
            : undefined
        },
        { deadlineMs, everyMs: 10 },
      )
    }
    const release = () => {
      for (const { copyBrake } of cloud.drivers.values()) copyBrake.release()
    }
    const stopped = await running()
    ;(await this.#asAdmin('DELETE', `/servers/${id}/migrations/${stopped.id}`)).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    release()
    const forced = await running()
    ;(await this.#asAdmin('POST', `/servers/${id}/migrations/${forced.id}/action`, { force_complete: null })).expect(
      202,
    )
    await cloud.waitForStatus(id, 'ACTIVE')
    release()
  }

  async evacuation(id: string): Promise<void> {
    const { cloud } = this
    const host = await this.hostOf(id)
    const { services } = (await this.#asAdmin('GET', `/os-services?host=${host}&binary=nova-compute`)).expect(200).body
    const force = async (forced_down: boolean) =>
      (await this.#asAdmin('PUT', `/os-services/${services[0].id}`, { forced_down })).expect(200)
    await force(true)
    await cloud.stopHost(host)
    await this.done(id, { evacuate: {} }, 'SHUTOFF', { status: 200 })
    // Before it counts as up again it has to put away what has left it.
    await cloud.startHost(host)
    await force(false)
  }

  /** A host whose hypervisor does not answer, and which then is no more. */
  async hostEnds(host: string): Promise<void> {
    const { cloud } = this
    cloud.drivers.get(host)?.failNext('describe', HypervisorUnavailable({ reason: 'gone' }))
    await cloud.stopHost(host)
    await cloud.startHost(host)
    await cloud.stopHost(host)
    const { services } = (await this.#asAdmin('GET', `/os-services?host=${host}&binary=nova-compute`)).expect(200).body
    ;(await this.#asAdmin('DELETE', `/os-services/${services[0].id}`)).expect(204)
  }
}
