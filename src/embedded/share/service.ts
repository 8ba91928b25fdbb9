import { hostname } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { type Clock, Closers, type Log } from '#base'
import type { IdentityPort, SharePort } from '#cloud'
import { type Face, lateFace } from '#http'
import { openDatabase } from '#store/engine'
import type { Core } from './core.ts'
import { Folders } from './folders.ts'
import { createShareFace } from './http/face.ts'
import { recover } from './recover.ts'
import { sharePort } from './share-port.ts'
import type { ShareTables } from './store/rows.ts'
import { loadShares } from './store/state.ts'
import { ensureDefaultType } from './types.ts'

export interface ShareOptions {
  readonly databaseUrl: string
  /** Folder of the contents, made when missing. */
  readonly sharesPath: string
  readonly identity: IdentityPort
  readonly log: Log
  readonly clock: Clock
  /** `http://host:8786` in links; by default the address the request came to. */
  readonly baseUrl?: () => string
}

export interface ShareService {
  /** For the services in this process. */
  readonly port: SharePort
  /** The public API; not listening yet. */
  readonly face: Face
  close(): Promise<void>
}

/** Work that goes on after the answer. */
function afterwards(log: Log) {
  const running = new Set<Promise<void>>()
  return {
    later: (what: string, work: () => Promise<void>) => {
      const task = work()
        .catch((error: unknown) => log.error({ err: error }, `${what} failed`))
        .finally(() => running.delete(task))
      running.add(task)
    },
    ended: async () => {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}

/** Opens the service's own tables and folders, finishes interrupted work, and builds the API. */
export async function createShareService(options: ShareOptions): Promise<ShareService> {
  const { log, clock, identity } = options
  const closers = new Closers()
  const db = openDatabase<ShareTables>(options.databaseUrl)
  closers.add(() => db.destroy())
  try {
    const { later, ended } = afterwards(log)
    const core: Core = {
      state: await loadShares(db),
      folders: new Folders(options.sharesPath),
      clock,
      log,
      zone: 'nova',
      pool: `${hostname()}@folders#folders`,
      later,
    }
    closers.add(ended)
    await ensureDefaultType(core)
    recover(core)
    const baseUrl = options.baseUrl ?? ((request: FastifyRequest) => `${request.protocol}://${request.host}`)
    const face = lateFace(() => createShareFace({ core, identity, baseUrl }))
    closers.add(() => face.close())
    return {
      port: sharePort(core, identity),
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
