import type { CellCapacities, RoomOfKind } from '#model'
import type { Sizes } from '#store'

/** What one hypervisor host has, in MB, of memory and of disk. */
export interface HostRoom {
  readonly ram: { readonly totalMB: number; readonly freeMB: number }
  readonly disk: { readonly totalMB: number; readonly freeMB: number }
}

function roomOfKind(
  hosts: readonly { readonly totalMB: number; readonly freeMB: number }[],
  sizes: readonly number[],
  reserve: number,
): RoomOfKind {
  const free = hosts.map(({ totalMB, freeMB }) => Math.max(0, freeMB - totalMB * reserve))
  const units = (size: number) => free.reduce((sum, mb) => sum + Math.floor(mb / size), 0)
  // A flavor without disk needs no room for it.
  const wanted = [...new Set(sizes)].filter(size => size > 0).sort((a, b) => a - b)
  return {
    total_mb: Math.floor(free.reduce((sum, mb) => sum + mb, 0)),
    units_by_mb: Object.fromEntries(wanted.map(size => [String(size), units(size)])),
  }
}

/**
 * How many servers of which sizes the hosts have room for. A server lies on one host, so units are counted per host.
 *
 * @param reservePercent of each host's total that does not count as free.
 */
export function roomOn(hosts: readonly HostRoom[], sizes: Sizes, reservePercent: number): CellCapacities {
  const reserve = reservePercent / 100
  return {
    ram_free: roomOfKind(
      hosts.map(host => host.ram),
      sizes.ram,
      reserve,
    ),
    disk_free: roomOfKind(
      hosts.map(host => host.disk),
      sizes.disk,
      reserve,
    ),
  }
}

function sumOfKind(rooms: readonly RoomOfKind[]): RoomOfKind {
  const units: Record<string, number> = {}
  for (const room of rooms) {
    for (const [size, count] of Object.entries(room.units_by_mb)) units[size] = (units[size] ?? 0) + count
  }
  return { total_mb: rooms.reduce((sum, room) => sum + room.total_mb, 0), units_by_mb: units }
}

/** Of several cells together. */
export const sumOfRoom = (rooms: readonly CellCapacities[]): CellCapacities => ({
  ram_free: sumOfKind(rooms.map(room => room.ram_free)),
  disk_free: sumOfKind(rooms.map(room => room.disk_free)),
})
