import { CellMethodNotFound } from '../faults.ts'
import { check, type Schema } from './schema.ts'

declare const takes: unique symbol
declare const gives: unique symbol

/** A method as both sides know it. What it takes is always an object: the keyword arguments of Nova's messages. */
export interface CellMethod<In extends object, Out> {
  readonly name: string
  readonly takes: Schema
  readonly gives: Schema
  /** Never there at run time: they carry the types. */
  readonly [takes]?: ((args: In) => void) | undefined
  readonly [gives]?: Out | undefined
}

export const cellMethod = <In extends object, Out>(name: string, shapes: { takes: Schema; gives: Schema }) =>
  ({ name, ...shapes }) as CellMethod<In, Out>

/** What a method knows of the message that calls it. */
export interface MethodContext {
  /** From the first cell to this one: this cell's name as the first cell says it. */
  readonly routingPath: string
  readonly requestId: string | null
  /** The same for a message that comes again. */
  readonly uuid: string
  /** How long whoever asks waits, from now. */
  readonly timeoutMs: number
}

export type CellHandler<In, Out> = (args: In, context: MethodContext) => Promise<Out>

interface Registered {
  readonly method: CellMethod<object, unknown>
  readonly run: CellHandler<object, unknown>
}

/**
 * The methods that other cells may call here, by name. Whoever has something to do across cells adds its own; a handler
 * may be run again with the same uuid, and must converge.
 */
export class CellMethods {
  readonly #methods = new Map<string, Registered>()

  add<In extends object, Out>(method: CellMethod<In, Out>, run: CellHandler<In, Out>): this {
    if (this.#methods.has(method.name)) throw new Error(`two methods between cells are called ${method.name}`)
    const registered = { method, run } as unknown as Registered
    this.#methods.set(method.name, registered)
    return this
  }

  /** Arguments and result have the shapes that the method declares. */
  async run(name: string, args: object, context: MethodContext): Promise<unknown> {
    const found = this.#methods.get(name)
    if (found === undefined) throw CellMethodNotFound({ name })
    check(`The arguments of ${name}`, found.method.takes, args)
    const result = (await found.run(args, context)) ?? null
    check(`The result of ${name}`, found.method.gives, result)
    return result
  }
}
