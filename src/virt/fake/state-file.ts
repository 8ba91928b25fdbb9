import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fromJson } from '#base'
import type { GuestRecord } from './guest-record.ts'

/** What became of one guest: of the guest itself, of the one set aside by a move, or of both at once. */
export interface GuestChange {
  readonly guest?: GuestRecord | null
  readonly aside?: GuestRecord | null
}

type Line = GuestChange & { readonly id: string }

export interface Guests {
  readonly guests: Map<string, GuestRecord>
  readonly aside: Map<string, GuestRecord>
}

export const noGuests = (): Guests => ({ guests: new Map(), aside: new Map() })

function put(map: Map<string, GuestRecord>, id: string, guest: GuestRecord | null | undefined): void {
  if (guest === null) map.delete(id)
  else if (guest !== undefined) map.set(id, guest)
}

export function apply({ guests, aside }: Guests, id: string, change: GuestChange): void {
  put(guests, id, change.guest)
  put(aside, id, change.aside)
}

/**
 * Guests in a file of JSON lines, the newest line of a guest counts: a change costs one short append, and the guests are
 * there again after a restart of the control plane, as those of a real hypervisor are. Written anew, without the history,
 * when it is opened.
 */
export class StateFile {
  readonly known: Guests
  readonly #file: number

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.known = existsSync(path) ? read(path) : noGuests()
    const lines: Line[] = [
      ...[...this.known.guests].map(([id, guest]) => ({ id, guest })),
      ...[...this.known.aside].map(([id, aside]) => ({ id, aside })),
    ]
    writeFileSync(`${path}.new`, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    renameSync(`${path}.new`, path)
    this.#file = openSync(path, 'a')
  }

  append(id: string, change: GuestChange): void {
    writeSync(this.#file, `${JSON.stringify({ id, ...change })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

function read(path: string): Guests {
  const known = noGuests()
  const text = readFileSync(path, 'utf8')
  // A line without its end was being written when the process died: that change never happened.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue
    const { id, ...change } = fromJson<Line>(line)
    apply(known, id, change)
  }
  return known
}
