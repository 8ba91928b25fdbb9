import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { fromJson, type Log } from '#base'
import { qemuImg } from '../images/qemu-img.ts'

/*
 * Files of guests that are on their way to another host.
 *
 * Theory of operation. Who may have which files of a guest stands in `handout.json` in the guest's folder, which only root
 * can read: a secret made for this move, and the paths. The secret goes with the offer, through the conductor, to the one
 * host that shall have them. Both sides speak TLS with the secret as their common key, so nobody else can ask, listen or
 * answer, and no certificates are needed. What is offered is looked up at every connection: after a restart of this
 * process, at the same port as before, the files are still to be had, and when the folder goes so does the right.
 */

interface HandoutFile {
  readonly secret: string
  /** Paths by the names under which they are asked for. */
  readonly files: Readonly<Record<string, string>>
}

/** What the other host needs to fetch them. */
export interface HandoutOffer {
  readonly url: string
  readonly identity: string
  readonly secret: string
}

export const pskCiphers = 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:PSK-AES256-GCM-SHA384'
export const keyOf = (secret: string): Buffer => Buffer.from(secret, 'base64url')

/** Part of a file that holds data; what lies between is zero. */
export interface Extent {
  readonly start: number
  readonly length: number
}

export interface FileMap {
  readonly size: number
  /** Another one is another file, of which nothing that was fetched before counts. */
  readonly version: string
  readonly extents: readonly Extent[]
}

/** A folder of a guest, or one that is set aside. */
const identities = /^[0-9a-f-]{36}(_resize)?$/

export interface HandoutOptions {
  /** Folder of the folders of guests. */
  readonly root: string
  /** Name of this one. */
  readonly host: string
  /** Where other hosts reach this one: `my_ip`. */
  readonly address: string
  /** 0: whichever is free, and the same again after a restart. */
  readonly port: number
  readonly log: Log
}

export class Handout {
  readonly #options: HandoutOptions
  readonly #server: Server
  readonly #identityOf = new WeakMap<object, string>()

  constructor(options: HandoutOptions) {
    this.#options = options
    const psk = (socket: TLSSocket, identity: string): Buffer | null => {
      const found = this.#read(identity)
      if (found === undefined) return null
      this.#identityOf.set(socket, identity)
      return keyOf(found.secret)
    }
    const tls = { ciphers: pskCiphers, maxVersion: 'TLSv1.2', pskCallback: psk } as const
    this.#server = createServer({ ...tls }, (request, response) => void this.#answer(request, response))
    this.#server.on('tlsClientError', () => undefined)
  }

  async start(): Promise<void> {
    const { root, host, address, port } = this.#options
    // Hosts may share the folder.
    const note = join(root, `.handout-port-${host}`)
    const before = port === 0 ? Number(await readFile(note, 'utf8').catch(() => '0')) : port
    try {
      await this.#listen(address, before)
    } catch (error) {
      if (port !== 0 || before === 0) throw error
      // Somebody else has it by now; whoever was offered files at it asks again.
      await this.#listen(address, 0)
    }
    await writeFile(`${note}.part`, String(this.#port), { mode: 0o600 })
    await rename(`${note}.part`, note)
  }

  get #port(): number {
    const at = this.#server.address()
    return at === null || typeof at === 'string' ? 0 : at.port
  }

  #listen(address: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, address, () => {
        this.#server.off('error', reject)
        resolve()
      })
      this.#server.unref()
    })
  }

  /** Of the guest in the folder of that name; asked again, it is the same secret. */
  async offer(identity: string, files: Readonly<Record<string, string>>): Promise<HandoutOffer> {
    const secret = this.#read(identity)?.secret ?? randomBytes(32).toString('base64url')
    const path = this.#pathOf(identity)
    await writeFile(`${path}.part`, JSON.stringify({ secret, files } satisfies HandoutFile), { mode: 0o600 })
    await rename(`${path}.part`, path)
    const { address } = this.#options
    const host = address.includes(':') ? `[${address}]` : address
    return { url: `https://${host}:${this.#port}`, identity, secret }
  }

  /** What was offered is not to be had any more. */
  async withdraw(identity: string): Promise<void> {
    await rm(this.#pathOf(identity), { force: true })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #pathOf = (identity: string): string => join(this.#options.root, identity, 'handout.json')

  #read(identity: string): HandoutFile | undefined {
    if (!identities.test(identity)) return undefined
    try {
      return fromJson<HandoutFile>(readFileSync(this.#pathOf(identity), 'utf8'))
    } catch {
      return undefined
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const identity = this.#identityOf.get(request.socket)
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x')
      const offered = identity === undefined ? undefined : this.#read(identity)
      const path = offered?.files[decodeURIComponent(pathname.slice(1))]
      if (path === undefined) return void response.writeHead(404).end()
      if (searchParams.has('map')) response.end(JSON.stringify(await mapOf(path)))
      else await sendPart(path, request.headers.range, response)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a file of a moving guest could not be handed out')
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end()
    }
  }
}

const mapCpuSeconds = 60

async function versionOf(path: string): Promise<{ size: number; version: string }> {
  const { size, mtimeMs, ino } = await stat(path)
  return { size, version: createHash('sha256').update(`${ino} ${size} ${mtimeMs}`).digest('hex') }
}

interface MapLine {
  readonly start: number
  readonly length: number
  readonly data: boolean
}

async function mapOf(path: string): Promise<FileMap> {
  const before = await versionOf(path)
  const { exitCode, stdout } = await qemuImg(['map', '-f', 'raw', '--output=json', path], { cpuSeconds: mapCpuSeconds })
  // A file system that cannot say where its files have holes: all of it then.
  const lines = exitCode === 0 ? fromJson<MapLine[]>(stdout) : [{ start: 0, length: before.size, data: true }]
  const clipped = lines
    .filter(line => line.data && line.start < before.size)
    .map(({ start, length }) => ({ start, length: Math.min(length, before.size - start) }))
  return { ...before, extents: clipped }
}

async function sendPart(path: string, range: string | undefined, response: ServerResponse): Promise<void> {
  const { size, version } = await versionOf(path)
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  const [start, end] = from === undefined || to === undefined ? [0, size - 1] : [Number(from), Number(to)]
  if (start > end || end >= size) return void response.writeHead(size === 0 ? 200 : 416).end()
  await using file = await open(path, 'r')
  const headers = { etag: version, 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${size}` }
  response.writeHead(206, headers)
  await pipeline(file.createReadStream({ start, end, autoClose: false }), response)
}
