/**
 * Views by who asked, for a limited time.
 *
 * `forget` is exact: what is cached for an instance goes, and what is being read while it is called is not kept, because
 * nobody can say whether it was read before or after the change. Two callers at once share one read.
 */
import type { Clock } from '#base'
import type { InstanceMetadata } from './source.ts'

interface Entry {
  readonly view: InstanceMetadata
  readonly untilMs: number
}

const mostEntries = 20_000

export class ViewCache {
  readonly #entries = new Map<string, Entry>()
  readonly #keysOf = new Map<string, Set<string>>()
  readonly #reading = new Map<string, Promise<InstanceMetadata | undefined>>()
  readonly #clock: Clock
  readonly #keepMs: number
  #changes = 0

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock
    this.#keepMs = keepMs
  }

  async get(key: string, read: () => Promise<InstanceMetadata | undefined>): Promise<InstanceMetadata | undefined> {
    if (this.#keepMs <= 0) return read()
    const entry = this.#entries.get(key)
    if (entry !== undefined && entry.untilMs > this.#clock.now()) return entry.view
    const running = this.#reading.get(key)
    if (running !== undefined) return running
    const promise = this.#read(key, read).finally(() => {
      if (this.#reading.get(key) === promise) this.#reading.delete(key)
    })
    this.#reading.set(key, promise)
    return promise
  }

  async #read(key: string, read: () => Promise<InstanceMetadata | undefined>): Promise<InstanceMetadata | undefined> {
    const changes = this.#changes
    const view = await read()
    if (view !== undefined && changes === this.#changes) this.#keep(key, view)
    return view
  }

  #keep(key: string, view: InstanceMetadata): void {
    if (this.#entries.size >= mostEntries) this.#dropOld()
    this.#drop(key)
    this.#entries.set(key, { view, untilMs: this.#clock.now() + this.#keepMs })
    const keys = this.#keysOf.get(view.id) ?? new Set()
    keys.add(key)
    this.#keysOf.set(view.id, keys)
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    const keys = this.#keysOf.get(entry.view.id)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(entry.view.id)
  }

  /** Expired ones; when that does not help, the oldest half (a Map keeps the order of arrival). */
  #dropOld(): void {
    const now = this.#clock.now()
    for (const [key, entry] of this.#entries) if (entry.untilMs <= now) this.#drop(key)
    const excess = this.#entries.size - mostEntries / 2
    for (const key of [...this.#entries.keys()].slice(0, Math.max(0, excess))) this.#drop(key)
  }

  forget(instanceId: string): void {
    this.#changes++
    // Readers that come from now on must not join a read that began before the change.
    this.#reading.clear()
    for (const key of this.#keysOf.get(instanceId) ?? []) this.#drop(key)
  }
}
