/**
 * Keystone, Glance, Placement, Neutron and Cinder of Debian's packages on this machine, without systemd and beside
 * whatever else runs on it: files below one folder, free ports of loopback, passwords that nobody chose. They end with
 * the process that started them.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '#base'
import { startCinder } from './cinder.ts'
import { startGlance } from './glance.ts'
import { openrc, startKeystone } from './identity.ts'
import { type Infrastructure, startInfrastructure } from './infrastructure.ts'
import { startNeutron } from './neutron.ts'
import { Place } from './place.ts'
import { startPlacement } from './placement.ts'
import { Programs } from './programs.ts'

export interface Neighbours {
  readonly place: Place
  readonly programs: Programs
  readonly infrastructure: Infrastructure
  readonly neutronFiles: readonly string[]
  /** What was begun beside them later, and ends before them. */
  readonly closers: Closers
  close(): Promise<void>
}

/** What another process needs to know of them; it holds passwords. */
export interface NeighboursFile {
  readonly folder: string
  readonly region: string
  readonly urls: Readonly<Record<'identity' | 'image' | 'network' | 'placement' | 'volume' | 'compute', string>>
  readonly ports: Place['ports']
  readonly passwords: Place['passwords']
  readonly metadataSecret: string
  readonly databaseUrl: string
  readonly transportUrl: string
}

/** `folder` is empty, ours, and short; `say` hears of every step. */
export async function startNeighbours(folder: string, say: (step: string) => void): Promise<Neighbours> {
  const closers = new Closers()
  try {
    const place = await Place.make(folder)
    const programs = new Programs(place)
    say('MariaDB, RabbitMQ, memcached')
    const infrastructure = await startInfrastructure(place, programs)
    closers.add(() => infrastructure.close())
    closers.add(() => programs.stop())
    say('Keystone')
    await startKeystone(place, programs, infrastructure)
    say('Glance, Placement')
    await startGlance(place, programs, infrastructure)
    await startPlacement(place, programs, infrastructure)
    say('Cinder')
    await startCinder(place, programs, infrastructure)
    say('Neutron')
    const neutronFiles = await startNeutron(place, programs, infrastructure)
    for (const name of ['glance', 'placement', 'cinder', 'neutron'] as const) await programs.answers(name)
    writeFiles(place, infrastructure)
    return { place, programs, infrastructure, neutronFiles, closers, close: () => closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}

export const fileOf = (folder: string): string => join(folder, 'neighbours.json')

function writeFiles(place: Place, infrastructure: Infrastructure): void {
  const { folder, ports, passwords, metadataSecret } = place
  const file: NeighboursFile = {
    folder,
    region: 'RegionOne',
    urls: {
      identity: `${place.url('keystone')}/v3`,
      image: place.url('glance'),
      network: place.url('neutron'),
      placement: place.url('placement'),
      volume: `${place.url('cinder')}/v3`,
      compute: `${place.url('compute')}/v2.1`,
    },
    ports,
    passwords,
    metadataSecret,
    databaseUrl: infrastructure.database('nova').replace('charset=utf8&', 'charset=utf8mb4&'),
    transportUrl: infrastructure.novaUrl,
  }
  const mode = { mode: 0o600 }
  writeFileSync(fileOf(folder), `${JSON.stringify(file, undefined, 2)}\n`, mode)
  writeFileSync(join(folder, 'admin-openrc'), openrc(place, 'admin', 'admin'), mode)
  writeFileSync(join(folder, 'demo-openrc'), openrc(place, 'demo', 'demo'), mode)
}
