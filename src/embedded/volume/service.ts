import { hostname } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { type Clock, Closers, type Log } from '#base'
import { HttpClient, type IdentityPort, type ImagePort, type VolumePort } from '#cloud'
import { type Face, lateFace } from '#http'
import { openDatabase } from '#store/engine'
import { computeOverHttp } from './compute-link.ts'
import type { ComputeLink, Core } from './core.ts'
import { VolumeFiles } from './files.ts'
import { createVolumeFace } from './http/face.ts'
import { recover } from './recover.ts'
import type { VolumeTables } from './store/rows.ts'
import { loadVolumes } from './store/state.ts'
import { ensureDefaultType } from './types.ts'
import { volumePort } from './volume-port.ts'
import { Work } from './work.ts'

export interface VolumeOptions {
  readonly databaseUrl: string
  /** Folder of the contents, made when missing. */
  readonly volumesPath: string
  readonly identity: IdentityPort
  readonly images: ImagePort
  readonly log: Log
  readonly clock: Clock
  /** How Nova is told of extended volumes; by default over HTTP, at the catalogue's compute endpoint. */
  readonly compute?: ComputeLink
  /** The zone of every volume; `nova` by default, as in Cinder. */
  readonly availabilityZone?: string
  /** `http://host:8776` in links; by default the address the request came to. */
  readonly baseUrl?: () => string
}

export interface VolumeService {
  /** For the services in this process. */
  readonly port: VolumePort
  /** The public API; not listening yet. */
  readonly face: Face
  close(): Promise<void>
}

/** Opens the service's own tables and files, takes up or ends interrupted work, and builds the API. */
export async function createVolumeService(options: VolumeOptions): Promise<VolumeService> {
  const { log, clock, identity, images } = options
  const closers = new Closers()
  const db = openDatabase<VolumeTables>(options.databaseUrl)
  closers.add(() => db.destroy())
  try {
    const http = new HttpClient({ clock })
    closers.add(() => http.close())
    const work = new Work(log)
    const core: Core = {
      state: await loadVolumes(db),
      files: new VolumeFiles(options.volumesPath),
      images,
      compute: options.compute ?? computeOverHttp(http, identity),
      work,
      clock,
      log,
      zone: options.availabilityZone ?? 'nova',
      pool: `${hostname()}@files#files`,
    }
    closers.add(() => work.close())
    await ensureDefaultType(core)
    await recover(core)
    const baseUrl = options.baseUrl ?? ((request: FastifyRequest) => `${request.protocol}://${request.host}`)
    const face = lateFace(() => createVolumeFace({ core, identity, baseUrl }))
    closers.add(() => face.close())
    return {
      port: volumePort(core, identity),
      get face() {
        return face.get()
      },
      close: () => closers.close(),
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
