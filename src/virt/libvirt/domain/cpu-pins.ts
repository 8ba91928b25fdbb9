import { realtimeCpus } from '#model'
import type { GuestNuma, GuestSpec } from '../../guest-spec.ts'
import { ranges } from './cpu-ranges.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost } from './host.ts'

/** Nova's `[libvirt] realtime_scheduler_priority`. */
const realtimePriority = 1

/** Host CPUs that each guest CPU may run on: its own one, or those that are shared at the node. */
function placesOf(numa: GuestNuma): ReadonlyMap<number, readonly number[]> {
  const places = new Map<number, readonly number[]>()
  for (const cell of numa.cells) {
    const own = new Map(cell.pins)
    const shared = numa.hostCells.find(host => host.id === cell.hostCell)?.sharedCpus ?? []
    for (const cpu of cell.cpus) {
      const pin = own.get(cpu)
      places.set(cpu, pin === undefined ? shared : [pin])
    }
  }
  return new Map([...places].filter(([, cpus]) => cpus.length > 0).sort(([a], [b]) => a - b))
}

/** Where the hypervisor's own threads run: on CPUs of their own, on shared ones, or beside guest CPUs that may wait. */
function emulatorCpus(
  numa: GuestNuma,
  places: ReadonlyMap<number, readonly number[]>,
  realtime: ReadonlySet<number>,
  host: DomainHost,
): readonly number[] {
  if (numa.emulatorPolicy === 'isolate') return numa.cells.flatMap(cell => cell.reserved)
  const { sharedCpus } = host.settings
  if (numa.emulatorPolicy === 'share' && sharedCpus !== null) return sharedCpus
  return [...places].flatMap(([cpu, cpus]) => (realtime.has(cpu) ? [] : cpus))
}

const realtimeOf = ({ flavor, image }: GuestSpec): ReadonlySet<number> =>
  realtimeCpus({ flavor, imageProperties: image.properties })

/** Pins of guests whose CPUs the host knows by name. */
export function cpuPins(spec: GuestSpec, host: DomainHost): readonly XmlElement[] {
  const { numa } = spec
  if (numa === undefined) return []
  const places = placesOf(numa)
  const realtime = realtimeOf(spec)
  const emulator = emulatorCpus(numa, places, realtime, host)
  return [
    ...[...places].map(([vcpu, cpus]) => element('vcpupin', { vcpu, cpuset: ranges(cpus) })),
    ...(emulator.length === 0 ? [] : [element('emulatorpin', { cpuset: ranges(emulator) })]),
    ...(realtime.size === 0
      ? []
      : [element('vcpusched', { vcpus: ranges(realtime), scheduler: 'fifo', priority: realtimePriority })]),
  ]
}

/** Real-time guests must not wait for memory that is elsewhere. */
export const realtimeMemory = (spec: GuestSpec): readonly XmlElement[] =>
  realtimeOf(spec).size === 0 ? [] : [element('locked'), element('nosharepages')]
