import { open } from 'node:fs/promises'
import type { InstanceId } from '#base'
import type { ConsoleLog } from '../../driver.ts'
import { lastLines } from '../../last-lines.ts'
import type { GuestFiles } from './guest-files.ts'

/** Nova's MAX_CONSOLE_BYTES. */
const maxBytes = 102_400

/** Reads the newest part of the serial log. virtlogd moves a full file (2 MiB) to `.0`, so the tail may lie in two files. */
export class ConsoleLogFile implements ConsoleLog {
  readonly #files: GuestFiles

  constructor(files: GuestFiles) {
    this.#files = files
  }

  async read(id: InstanceId, lines?: number): Promise<string> {
    const path = this.#files.consoleLog(id)
    let bytes = await tail(path, maxBytes)
    if (bytes.length < maxBytes) bytes = Buffer.concat([await tail(`${path}.0`, maxBytes - bytes.length), bytes])
    const text = bytes.toString('utf8')
    return lines === undefined ? text : lastLines(text, lines)
  }
}

async function tail(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return Buffer.alloc(0)
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, length))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
