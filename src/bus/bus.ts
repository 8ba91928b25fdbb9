import type { Client, Contract, Handlers } from './contract.ts'

/** Messages between the services. The adapters differ in reach, not in meaning. */
export interface Bus {
  /** Answers calls to this topic on this server name; the returned function stops serving. */
  serve<C extends Contract>(contract: C, server: string, handlers: Handlers<C>): () => void
  /** Calls one server by name, or any server of the topic when no name is given. */
  client<C extends Contract>(contract: C, server?: string): Client<C>
}

/** A bus that leaves this process. */
export interface RemoteBus extends Bus {
  /** Everything that is served so far can be called; throws the first failure. */
  ready(): Promise<void>
  /** Whether any process serves this topic now. */
  isServed(contract: Contract): Promise<boolean>
  /** At once: running calls end with the transient fault. */
  close(): Promise<void>
}
