import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson } from '#base'
import { nodePath } from '../../src/allinone/compose/compute.ts'
import type { Json } from './client.ts'
import type { FoundGuest, HostsView } from './found-guest.ts'

/** Where a simulated host keeps its files. */
export interface HostFiles {
  readonly host: string
  readonly guests: string
  readonly disks: string
}

export const filesOf = (host: string, statePath: string): HostFiles => ({
  host,
  guests: join(nodePath(statePath, host), 'guests.jsonl'),
  disks: join(nodePath(statePath, host), 'disks'),
})

const foundGuest = (host: string, id: string, isAside: boolean, record: Json): FoundGuest => ({
  host,
  id,
  isAside,
  power: record.power,
  vcpus: record.spec.flavor.vcpus,
  memoryMiB: record.spec.flavor.memoryMiB,
  volumes: record.disks.flatMap((disk: Json) => (disk.volume === null ? [] : [disk.volume.id])),
  macs: record.vifs.map((vif: Json) => vif.mac),
  isRescued: record.rescue !== undefined,
  isIncoming: record.isIncoming === true,
  disk: record.disk?.file ?? null,
})

/** The newest line of each guest counts. */
function guestsOf({ host, guests: path }: HostFiles): readonly FoundGuest[] {
  if (!existsSync(path)) return []
  const newest = { guest: new Map<string, Json>(), aside: new Map<string, Json>() }
  const text = readFileSync(path, 'utf8')
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const { id, ...change } = fromJson<Json>(line)
    for (const kind of ['guest', 'aside'] as const) {
      if (change[kind] === null) newest[kind].delete(id)
      else if (change[kind] !== undefined) newest[kind].set(id, change[kind])
    }
  }
  return [
    ...[...newest.guest].map(([id, record]) => foundGuest(host, id, false, record)),
    ...[...newest.aside].map(([id, record]) => foundGuest(host, id, true, record)),
  ]
}

export const simulatedHosts = (hosts: readonly HostFiles[]): HostsView => ({
  guests: hosts.flatMap(guestsOf),
  disks: new Map(hosts.map(({ disks }) => [disks, existsSync(disks) ? readdirSync(disks) : []])),
  litter: [],
})
