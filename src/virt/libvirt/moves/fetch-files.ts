import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { dirname } from 'node:path'
import { fromJson, MiB, pause } from '#base'
import { HypervisorError } from '../../faults.ts'
import { mustHaveRoom } from '../disks/disk-room.ts'
import { exists } from '../guest/guest-files.ts'
import { type Extent, type FileMap, type HandoutOffer, keyOf, pskCiphers } from './handout.ts'

/** At a time; after each it is written down how far the file is. */
const pieceBytes = 64 * MiB
const idleMs = 60_000

/** A nova-compute that is started again is back within this time. */
const usualPatienceMs = 60_000
const retryMs = 1000

/** The other host does not answer now; what it has sent stays. */
class Away extends Error {}

const lostCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])
const isLost = (error: Error): boolean => lostCodes.has((error as NodeJS.ErrnoException).code ?? '')

const failed = (reason: string) => HypervisorError({ operation: 'fetch of disks', reason })

/** Files of a guest from the host that it comes from. */
export class FileFetcher {
  readonly #offer: HandoutOffer
  readonly #agent: Agent
  readonly #patienceMs: number

  constructor(offer: HandoutOffer, patienceMs = usualPatienceMs) {
    this.#offer = offer
    this.#patienceMs = patienceMs
    const psk = { psk: keyOf(offer.secret), identity: offer.identity }
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ciphers: pskCiphers,
      maxVersion: 'TLSv1.2',
      pskCallback: () => psk,
      // The common key is the proof; there are no certificates.
      checkServerIdentity: () => undefined,
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  /**
   * The file appears at the path when it is complete, as sparse as it was there. What an interrupted call has fetched of
   * the same file is not fetched again; nor is it when the other host was away for a while.
   */
  async fetch(name: string, path: string): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += retryMs) {
      try {
        return await this.#fetchOnce(name, path)
      } catch (error) {
        if (!(error instanceof Away)) throw error
        if (waitedMs >= this.#patienceMs) throw failed(error.message)
      }
      await pause(retryMs)
    }
  }

  async #fetchOnce(name: string, path: string): Promise<void> {
    if (await exists(path)) return
    const map = await this.mapOf(name)
    const partial = `${path}.part`
    const note = `${path}.part.note`
    const done = await doneOf(note, map.version, partial)
    const left = piecesOf(map.extents).filter(piece => piece.start + piece.length > done)
    await mustHaveRoom(
      dirname(path),
      left.reduce((sum, piece) => sum + piece.length, 0),
    )
    {
      await using file = await open(partial, done === 0 ? 'w' : 'r+', 0o600)
      await file.truncate(map.size)
      for (const piece of left) {
        await this.#piece(name, map.version, piece, (bytes, at) => writeAll(file, bytes, at))
        await file.datasync()
        await writeFile(note, JSON.stringify({ version: map.version, done: piece.start + piece.length }))
      }
      const { size } = await file.stat()
      if (size !== map.size) throw failed(`${name} has ${size} bytes instead of ${map.size}`)
      await file.sync()
    }
    await rename(partial, path)
    await rm(note, { force: true })
  }

  /** What the file is there, and where it holds anything. */
  async mapOf(name: string): Promise<FileMap> {
    return fromJson<FileMap>((await this.#body(`/${encodeURIComponent(name)}?map`, {})).toString('utf8'))
  }

  async #piece(
    name: string,
    version: string,
    { start, length }: Extent,
    write: (bytes: Buffer, at: number) => Promise<void>,
  ): Promise<void> {
    const range = `bytes=${start}-${start + length - 1}`
    const response = await this.#ask(`/${encodeURIComponent(name)}`, { range })
    if (response.headers.etag !== version) {
      response.destroy()
      throw failed(`${name} has changed at its host`)
    }
    let at = start
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        await write(chunk, at)
        at += chunk.length
      }
    } catch (error) {
      throw isLost(error as Error) ? new Away((error as Error).message) : error
    }
    if (at !== start + length) throw new Away(`${name} ended ${start + length - at} bytes too early`)
  }

  async #body(path: string, headers: Record<string, string>): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of (await this.#ask(path, headers)) as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  #ask(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(failed(`${this.#offer.url}: ${reason}`))
      const asked = request(`${this.#offer.url}${path}`, { agent: this.#agent, headers, timeout: idleMs }, response => {
        const { statusCode = 0 } = response
        if (statusCode === 200 || statusCode === 206) return resolve(response)
        response.resume()
        fail(statusCode === 404 ? 'it does not offer this file' : `answered with ${statusCode}`)
      })
      asked.on('timeout', () => asked.destroy(Object.assign(new Error('it is silent'), { code: 'ETIMEDOUT' })))
      asked.on('error', error => {
        if (isLost(error)) reject(new Away(`${this.#offer.url}: ${error.message}`))
        else fail(error.message)
      })
      asked.end()
    })
  }
}

/** A gap as small as this costs less than another question. */
const smallGapBytes = MiB / 4

function joined(extents: readonly Extent[]): readonly Extent[] {
  const all: Extent[] = []
  for (const extent of extents) {
    const last = all.at(-1)
    const end = last === undefined ? 0 : last.start + last.length
    if (last === undefined || extent.start - end > smallGapBytes) all.push(extent)
    else all[all.length - 1] = { start: last.start, length: extent.start + extent.length - last.start }
  }
  return all
}

/** Long extents in pieces, and those that lie close to each other as one. */
function piecesOf(extents: readonly Extent[]): readonly Extent[] {
  return joined(extents).flatMap(({ start, length }) =>
    Array.from({ length: Math.ceil(length / pieceBytes) }, (_, i) => ({
      start: start + i * pieceBytes,
      length: Math.min(pieceBytes, length - i * pieceBytes),
    })),
  )
}

/** How far an interrupted call got, if the file is still the same. */
async function doneOf(note: string, version: string, partial: string): Promise<number> {
  if (!(await exists(partial))) return 0
  const known = await readFile(note, 'utf8').catch(() => undefined)
  if (known === undefined) return 0
  const { version: before, done } = fromJson<{ version: string; done: number }>(known)
  return before === version ? done : 0
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten
}
