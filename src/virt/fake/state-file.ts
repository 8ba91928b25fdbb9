import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fromJson } from '#base'
import type { GuestRecord } from './guest-record.ts'

type Line = { readonly id: string; readonly guest: GuestRecord | null }

/**
 * Guests in a file of JSON lines, the newest line of a guest counts: a change costs one short append, and the guests are
 * there again after a restart of the control plane, as those of a real hypervisor are. Written anew, without the history,
 * when it is opened.
 */
export class StateFile {
  readonly guests: Map<string, GuestRecord>
  readonly #file: number

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.guests = existsSync(path) ? read(path) : new Map()
    const compact = [...this.guests].map(([id, guest]) => `${JSON.stringify({ id, guest })}\n`)
    writeFileSync(`${path}.new`, compact.join(''))
    renameSync(`${path}.new`, path)
    this.#file = openSync(path, 'a')
  }

  append(id: string, guest: GuestRecord | null): void {
    writeSync(this.#file, `${JSON.stringify({ id, guest })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

function read(path: string): Map<string, GuestRecord> {
  const guests = new Map<string, GuestRecord>()
  const text = readFileSync(path, 'utf8')
  // A line without its end was being written when the process died: that change never happened.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const { id, guest } = fromJson<Line>(line)
    if (guest === null) guests.delete(id)
    else guests.set(id, guest)
  }
  return guests
}
