import { createServer } from 'node:net'
import { HypervisorError } from '../../faults.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { type DomainHost, serialPortCount } from '../domain/index.ts'

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

/**
 * TCP ports for the serial ports of guests. A port is held from the moment it is chosen until QEMU has it, so that two
 * starts at once do not choose the same.
 */
export class SerialPorts {
  readonly #held = new Set<number>()

  /** The host with ports for one start of this guest; they are given back with the dispose. */
  async forStart(spec: GuestSpec, host: DomainHost): Promise<{ readonly host: DomainHost } & Disposable> {
    const { serialListen } = host.settings
    const ports = serialListen === null ? [] : await this.#choose(serialListen, serialPortCount(spec), host)
    return {
      host: ports.length === 0 ? host : { ...host, serialPorts: ports },
      [Symbol.dispose]: () => {
        for (const port of ports) this.#held.delete(port)
      },
    }
  }

  async #choose(address: string, count: number, { settings }: DomainHost): Promise<readonly number[]> {
    const { first, last } = settings.serialPortRange
    const chosen: number[] = []
    for (let port = first; port <= last && chosen.length < count; port++) {
      if (this.#held.has(port)) continue
      this.#held.add(port)
      if (await isFree(address, port)) chosen.push(port)
      else this.#held.delete(port)
    }
    if (chosen.length === count) return chosen
    for (const port of chosen) this.#held.delete(port)
    throw HypervisorError({ operation: 'serial console', reason: `no free port on ${address} in ${first}:${last}` })
  }
}
