import type { FastifyRequest } from 'fastify'
import { type Clock, Closers, GiB, type Log } from '#base'
import type { IdentityPort, ImagePort } from '#cloud'
import { type Face, lateFace } from '#http'
import { openDatabase } from '#store/engine'
import { Bits } from './bits.ts'
import { createImageFace, type Parts } from './http/exchange.ts'
import { fileRoutes } from './http/file.ts'
import { imageRoutes } from './http/images.ts'
import { memberRoutes } from './http/members.ts'
import { schemaRoutes } from './http/schemas.ts'
import { absentRoutes, taskRoutes } from './http/tasks.ts'
import { versionRoutes } from './http/versions.ts'
import { imagePort } from './image-port.ts'
import { Records } from './records.ts'
import { type ImageRegister, imageRegister } from './register.ts'
import type { ImageTables } from './store/rows.ts'
import { loadImages } from './store/state.ts'

export interface ImageOptions {
  readonly databaseUrl: string
  /** Folder of the images' files, made when missing. */
  readonly imagesPath: string
  readonly identity: IdentityPort
  readonly log: Log
  readonly clock: Clock
  /** `http://host:9292` in version documents; by default the address the request came to. */
  readonly baseUrl?: () => string
  /** Glance's image_size_cap; 1 TiB by default, as there. */
  readonly maxImageBytes?: number
}

export interface ImageService {
  /** For the services in this process. */
  readonly port: ImagePort
  /** For images that are built in the background. */
  readonly register: ImageRegister
  /** The public API; not listening yet. */
  readonly face: Face
  close(): Promise<void>
}

/** Opens the service's own tables and files, cleans up after a crash and builds the API. */
export async function createImageService(options: ImageOptions): Promise<ImageService> {
  const { log, clock, identity } = options
  const closers = new Closers()
  const db = openDatabase<ImageTables>(options.databaseUrl)
  closers.add(() => db.destroy())
  try {
    const state = await loadImages(db)
    const bits = new Bits(options.imagesPath, options.maxImageBytes ?? 1024 * GiB)
    const records = new Records({ state, bits, clock, log })
    closers.add(() => records.settle())
    await records.recover()
    const face = lateFace(() => openFace({ records, state, bits, identity, now: () => clock.now() }, options))
    closers.add(() => face.close())
    return {
      port: imagePort(records, bits),
      register: imageRegister(records, bits),
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

function openFace(service: Omit<Parts, 'face'>, { log, baseUrl }: ImageOptions): Face {
  let identityUrl: string | undefined
  const face = createImageFace(log, () => identityUrl ?? '')
  face.addHook('onRequest', async () => {
    // The catalogue may be filled after this service is made.
    identityUrl ??= await service.identity.endpoint('identity', 'public')
  })
  const parts: Parts = { ...service, face }
  versionRoutes(parts, baseUrl ?? ((request: FastifyRequest) => `${request.protocol}://${request.host}`))
  imageRoutes(parts)
  fileRoutes(parts)
  memberRoutes(parts)
  schemaRoutes(parts)
  taskRoutes(parts)
  absentRoutes(parts)
  return face
}
