import type { Client } from './client.ts'
import type { Furniture } from './furniture.ts'
import type { Observer } from './observer.ts'

let made = 0

/** Servers of the bench: made, waited for, removed. */
export class Servers {
  readonly #client: Client
  readonly #observer: Observer
  readonly #furniture: Furniture

  constructor(client: Client, observer: Observer, furniture: Furniture) {
    this.#client = client
    this.#observer = observer
    this.#furniture = furniture
  }

  async post(): Promise<string> {
    const { flavorId, imageId, networkId } = this.#furniture
    const server = {
      name: `bench-${made++}`,
      flavorRef: flavorId,
      imageRef: imageId,
      networks: [{ uuid: networkId }],
    }
    return (await this.#client.call<{ server: { id: string } }>('compute', 'POST', '/servers', { server })).server.id
  }

  /** From the first byte of POST to ACTIVE. */
  async boot(): Promise<{ id: string; tookMs: number }> {
    const startedAt = performance.now()
    const id = await this.post()
    return { id, tookMs: (await this.#observer.active(id)) - startedAt }
  }

  active(id: string): Promise<number> {
    return this.#observer.active(id)
  }

  async remove(id: string): Promise<void> {
    await this.#client.text('compute', 'DELETE', `/servers/${id}`)
    await this.#observer.gone(id)
  }
}

/** `count` tasks by `workers` loops, each with its next task when its last has ended. */
export async function inParallel<T>(workers: number, count: number, task: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const work = async () => {
    while (next < count) results.push(await task(next++))
  }
  await Promise.all(Array.from({ length: workers }, work))
  return results
}
