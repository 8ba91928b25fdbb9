import type { Json } from './client.ts'
import type { Findings } from './findings.ts'
import type { FoundGuest } from './found-guest.ts'
import type { World } from './world.ts'

/** Nova's power states by the status of a server; of others anything goes. */
const powerOf: Readonly<Record<string, readonly number[]>> = {
  ACTIVE: [1],
  SHUTOFF: [4],
  PAUSED: [3],
  SUSPENDED: [7],
  RESCUE: [1],
  SHELVED: [4],
  SOFT_DELETED: [4],
  VERIFY_RESIZE: [1, 4],
}
const final = ['confirmed', 'reverted', 'error', 'failed', 'completed', 'cancelled']
const hostOf = (server: Json): string | null => server['OS-EXT-SRV-ATTR:host']
const same = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join() === [...b].sort().join()

const resourcesOf = ({ flavor }: Json, isOnVolume: boolean) => ({
  VCPU: flavor.vcpus,
  MEMORY_MB: flavor.ram,
  ...(isOnVolume ? {} : { DISK_GB: flavor.disk }),
})

/** Complaints about one cloud in which nobody works: what is left over, what is missing, what disagrees. */
export class Audit {
  readonly complaints: string[] = []
  readonly #f: Findings
  readonly #world: World
  /** Guests are killed, and those that are off may stay so. */
  readonly #mayBeOff: boolean
  readonly #byId: ReadonlyMap<string, Json>

  constructor(findings: Findings, world: World, mayBeOff = false) {
    this.#mayBeOff = mayBeOff
    this.#f = findings
    this.#world = world
    this.#byId = new Map(findings.servers.map(server => [server.id, server]))
  }

  #if(isWrong: boolean, what: string): void {
    if (isWrong) this.complaints.push(what)
  }

  all(): readonly string[] {
    this.#work()
    this.#guests()
    this.#disks()
    this.#placement()
    this.#network()
    this.#storage()
    this.#images()
    this.#quota()
    return this.complaints
  }

  /** Nobody works on anything, and every ERROR says why. */
  #work(): void {
    for (const saga of this.#f.openSagas) this.#if(true, `open saga ${saga}`)
    for (const id of this.#f.secrets) this.#if(true, `secret of the launch of ${id}`)
    for (const server of this.#f.servers) {
      const task = server['OS-EXT-STS:task_state']
      this.#if(task !== null, `${server.id} is ${server.status} with task ${task}`)
      this.#if(server.status === 'ERROR' && !server.fault?.message, `${server.id} is in ERROR without a fault`)
      this.#if(server['OS-EXT-STS:vm_state'] === 'building', `${server.id} is being built by nobody`)
    }
    for (const { uuid, status, instance_uuid: id, migration_type: type } of this.#f.migrations) {
      const waits = status === 'finished' && this.#byId.get(id)?.status === 'VERIFY_RESIZE'
      this.#if(!waits && !final.includes(status), `migration ${uuid} (${type}) of ${id} is ${status}`)
    }
  }

  #aside(id: string): readonly FoundGuest[] {
    return this.#f.guests.filter(guest => guest.id === id && guest.isAside)
  }

  /** Each server has one guest, where its record says, as it should be; nobody else has one. */
  #guests(): void {
    for (const { id, host, isAside } of this.#f.guests) {
      const server = this.#byId.get(id)
      this.#if(server === undefined, `guest of ${id}, which is deleted, on ${host}${isAside ? ' (aside)' : ''}`)
      this.#if(
        isAside && server !== undefined && server.status !== 'VERIFY_RESIZE',
        `guest of ${id} set aside on ${host} while it is ${server?.status}`,
      )
    }
    for (const server of this.#f.servers) {
      const { id, status } = server
      const guests = this.#f.guests.filter(guest => guest.id === id && !guest.isAside)
      const host = hostOf(server)
      const hasNone = host === null || (status === 'ERROR' && guests.length === 0)
      const where = guests.map(guest => guest.host)
      this.#if(!hasNone && !same(where, [host ?? '']), `${status} ${id} is on ${host}, its guest on [${where}]`)
      const isNowhere = host === null && !['ERROR', 'SHELVED_OFFLOADED', 'SOFT_DELETED'].includes(status)
      this.#if(isNowhere, `${status} ${id} has no host`)
      this.#if(host === null && where.length > 0, `${status} ${id} is nowhere, its guest on [${where}]`)
      this.#if(status === 'VERIFY_RESIZE' && this.#aside(id).length !== 1, `resized ${id} has nothing to go back to`)
      const [guest] = guests
      if (guest !== undefined && guests.length === 1) this.#guest(server, guest)
    }
  }

  #guest(server: Json, guest: FoundGuest): void {
    const { power, vcpus, memoryMiB, volumes, macs, isRescued, isIncoming } = guest
    const { id, status, flavor } = server
    const right = powerOf[status]
    const isKilled = this.#mayBeOff && power === 4
    this.#if(
      right !== undefined && !right.includes(power) && !isKilled,
      `${status} ${id} has a guest with power ${power}`,
    )
    this.#if(isIncoming, `${id} still waits for its memory`)
    if (status === 'ERROR') return
    const shown = server['OS-EXT-STS:power_state']
    // A guest that died, or whose memory lies in a file, is off, and only libvirt remembers how it came to that.
    const off = status === 'SUSPENDED' ? [4, 6, 7] : [4, 6]
    const isOff = [shown, power].every(state => off.includes(state))
    this.#if(shown !== power && !isOff, `${status} ${id} shows power ${shown} and has ${power}`)
    this.#if((status === 'RESCUE') !== isRescued && !isKilled, `${status} ${id} is${isRescued ? '' : ' not'} rescued`)
    const size = `${vcpus}/${memoryMiB}`
    this.#if(
      size !== `${flavor.vcpus}/${flavor.ram}`,
      `${status} ${id} has a guest of ${size}: ${JSON.stringify(flavor)}`,
    )
    const shownVolumes = this.#f.volumesOf.get(id) ?? []
    this.#if(!same(volumes, shownVolumes), `${status} ${id} has volumes [${volumes}], its record [${shownVolumes}]`)
    const shownMacs = this.#f.ports.filter(port => port.device_id === id).map(port => port.mac_address)
    // What came or went while it is off is in the definition that its next start writes.
    const areRight = status === 'SHUTOFF' || same(macs, shownMacs)
    this.#if(!areRight, `${status} ${id} has interfaces [${macs}], its ports [${shownMacs}]`)
  }

  #disks(): void {
    const used = new Set(this.#f.guests.map(({ disk }) => disk))
    for (const [folder, files] of this.#f.disks) {
      for (const file of files) this.#if(!used.has(file), `disk ${file} of nobody in ${folder}`)
    }
    const there = new Set([...this.#f.disks.values()].flat())
    for (const { id, host, disk } of this.#f.guests)
      this.#if(disk !== null && !there.has(disk), `guest ${id} on ${host} without its disk ${disk}`)
    for (const what of this.#f.litter) this.#if(true, what)
  }

  #isOnVolume(id: string): boolean {
    return this.#byId.get(id)?.image === ''
  }

  #placement(): void {
    const moves = new Map(this.#f.migrations.map(move => [move.uuid, move]))
    for (const { host, consumer, resources } of this.#f.allocations) {
      const server = this.#byId.get(consumer)
      const move = moves.get(consumer)
      if (server === undefined) {
        const isHeld = move?.status === 'finished' && move.source_compute === host
        this.#if(!isHeld, `allocation of ${consumer} (move ${move?.status ?? 'none'}) on ${host}`)
        continue
      }
      this.#if(
        hostOf(server) !== host,
        `${server.status} ${consumer} is on ${hostOf(server)}, its allocation on ${host}`,
      )
      const wanted = JSON.stringify(Object.entries(resourcesOf(server, this.#isOnVolume(consumer))).sort())
      const held = JSON.stringify(Object.entries(resources).sort())
      this.#if(held !== wanted, `${server.status} ${consumer} holds ${held} instead of ${wanted}`)
    }
    for (const server of this.#f.servers) {
      const count = this.#f.allocations.filter(a => a.consumer === server.id).length
      const wanted = hostOf(server) === null ? 0 : 1
      this.#if(count !== wanted, `${server.status} ${server.id} has ${count} allocations instead of ${wanted}`)
    }
  }

  #network(): void {
    for (const port of this.#f.ports.filter(p => p.device_owner.startsWith('compute:') || p.device_owner === '')) {
      const { id, device_id: device } = port
      const server = this.#byId.get(device)
      this.#if(server === undefined, `port ${id} of ${device === '' ? 'nobody' : device}, which is no server`)
      if (server === undefined) continue
      const host = hostOf(server) ?? ''
      this.#if(
        port['binding:host_id'] !== host,
        `port ${id} of ${server.status} ${device} on '${port['binding:host_id']}' instead of '${host}'`,
      )
    }
    for (const { id, status } of this.#f.servers) {
      const mine = this.#f.ports.filter(port => port.device_id === id).map(port => port.id)
      const shown = this.#f.portsOf.get(id) ?? []
      this.#if(!same(mine, shown), `${status} ${id} has ports [${mine}], its record [${shown}]`)
    }
  }

  #storage(): void {
    for (const volume of this.#f.volumes) {
      const { id, status } = volume
      const mine = this.#f.attachments.filter(a => a.volume_id === id)
      const users = mine.map(a => a.instance)
      const owners = [...this.#f.volumesOf].filter(([, ids]) => ids.includes(id)).map(([server]) => server)
      const what = `volume ${id} is ${status} for [${users}]`
      this.#if(!same(users, owners), `${what}, servers that have it: [${owners}]`)
      const isOff = owners.every(
        owner => this.#byId.get(owner)?.status === 'SHELVED_OFFLOADED' || hostOf(this.#byId.get(owner)) === null,
      )
      // One that came while its server was on the shelf is in use at once, as in Nova.
      const wanted = owners.length === 0 ? ['available'] : isOff ? ['reserved', 'in-use'] : ['in-use']
      this.#if(!wanted.includes(status), `${what} instead of ${wanted.join(' or ')}`)
      // Images of a server on a volume are made of snapshots, and Cinder deletes no volume under its snapshots.
      const isNeeded = this.#f.snapshots.some(snapshot => snapshot.volume_id === id)
      const isOurs = this.#world.volumes.includes(id) || owners.length > 0 || isNeeded
      this.#if(!isOurs, `volume ${id} (${volume.name}) of nobody`)
    }
    const inImages = this.#f.images.map(image => image.block_device_mapping ?? '').join()
    for (const { id, status } of this.#f.snapshots) {
      this.#if(status !== 'available', `snapshot ${id} is ${status}`)
      this.#if(!inImages.includes(id), `snapshot ${id} of no image`)
    }
    const known = new Set(this.#f.volumes.map(({ id }) => id))
    for (const { id, volume_id: volume } of this.#f.attachments)
      this.#if(!known.has(volume), `attachment ${id} of volume ${volume}, which is gone`)
  }

  #images(): void {
    for (const { id, name, status } of this.#f.images) {
      this.#if(!['active', 'deactivated'].includes(status) && name !== 'cirros', `image ${id} (${name}) is ${status}`)
    }
    const shelved = this.#f.servers
      .filter(({ status }) => status.startsWith('SHELVED'))
      .map(({ name }) => `${name}-shelved`)
    for (const { id, name } of this.#f.images.filter(image => image.name.endsWith('-shelved')))
      this.#if(!shelved.includes(name), `image ${id} (${name}) of a server that is not on the shelf`)
  }

  #quota(): void {
    const counted = this.#f.servers.filter(({ status }) => status !== 'SOFT_DELETED')
    const sum = (key: 'vcpus' | 'ram') => counted.reduce((total, { flavor }) => total + flavor[key], 0)
    const { totalInstancesUsed, totalCoresUsed, totalRAMUsed } = this.#f.limits
    const [used, real] = [
      [totalInstancesUsed, totalCoresUsed, totalRAMUsed],
      [counted.length, sum('vcpus'), sum('ram')],
    ]
    this.#if(used.join() !== real.join(), `quota usage ${used} instead of ${real}`)
    for (const { id, name, members } of this.#f.groups) {
      for (const member of members) this.#if(!this.#byId.has(member), `${member} is deleted and in group ${id}`)
      if (name !== 'anti-affinity') continue
      const places = members.flatMap((member: string) => this.#byId.get(member) ?? []).map(hostOf)
      const hosts = places.filter((host: string | null) => host !== null)
      this.#if(new Set(hosts).size !== hosts.length, `members of ${name} on [${hosts}]`)
    }
  }
}
