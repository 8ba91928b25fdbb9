import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { TransportUnusable } from '../faults.ts'

/** A path to a unix socket has 108 bytes in the kernel, the last of them zero. */
const maxPathBytes = 107

export interface Address {
  readonly topic: string
  readonly server: string
  readonly path: string
}

/** True when a process listens there; a file that a dead process left behind refuses at once. */
export const isAlive = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', error => {
      const { code } = error as NodeJS.ErrnoException
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })

/**
 * The folder in which the servers of one machine meet: `<topic>@<server>.<random>.sock`, one file per server and life. The
 * random part makes a file belong to one process for ever, so that a dead one's can be removed without a race; and several
 * processes may serve under one name, as they would share a queue at a broker.
 */
export class SocketFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw TransportUnusable({ reason: `The bus folder ${path} cannot be used: ${code ?? message}` }, { cause: error })
    }
  }

  newPath(topic: string, server: string): string {
    const path = join(
      this.path,
      `${encodeURIComponent(topic)}@${encodeURIComponent(server)}.${randomBytes(4).toString('hex')}.sock`,
    )
    if (Buffer.byteLength(path) > maxPathBytes) {
      throw TransportUnusable({
        reason: `The socket path ${path} is longer than ${maxPathBytes} bytes; use a shorter transport_url.`,
      })
    }
    return path
  }

  list(): readonly Address[] {
    return this.#names().flatMap(name => {
      const [, topic, server] = /^([^@]+)@(.+)\.[0-9a-f]{8}\.sock$/.exec(name) ?? []
      if (topic === undefined || server === undefined) return []
      return [{ topic: decodeURIComponent(topic), server: decodeURIComponent(server), path: join(this.path, name) }]
    })
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.path).sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  remove(path: string): void {
    rmSync(path, { force: true })
  }
}
