/**
 * A contract names the methods that one kind of service serves and the shapes that cross the wire. Both sides import it;
 * neither imports the other.
 */
declare const takes: unique symbol
declare const gives: unique symbol

export interface Method<In, Out> {
  /** Never there at run time: the two carry the shapes, with the variance of a function. */
  readonly [takes]?: ((args: In) => void) | undefined
  readonly [gives]?: Out | undefined
  /** A call without an answer in this time is a transient fault; the work may go on and its retry must converge. */
  readonly timeoutMs: number
}

export const method = <In, Out>(timeoutMs = 60_000): Method<In, Out> => ({ timeoutMs })

export interface Contract {
  readonly topic: string
  /**
   * Its servers are hypervisor hosts, which a broker keeps apart: each is called by its name only, and can neither read
   * nor answer what is meant for another.
   */
  readonly isServedByHosts?: boolean
  // The shapes of a method are phantom types; any method fits here.
  readonly methods: Readonly<Record<string, Method<never, unknown>>>
}

export const contract = <M extends Readonly<Record<string, Method<never, unknown>>>>(
  topic: string,
  methods: M,
  options: { readonly isServedByHosts?: boolean } = {},
) => ({ topic, methods, ...options })

export interface CallContext {
  /** Same key, same effect: handlers converge when they are called twice with it. */
  readonly key?: string
  readonly requestId?: string
  /**
   * The hypervisor host that the caller is, where the transport knows it: one with a broker user of its own. Never taken
   * from the message. Absent for everybody who may speak for the whole cloud.
   */
  readonly host?: string
}

type In<T> = T extends Method<infer I, unknown> ? I : never
type Out<T> = T extends Method<never, infer O> ? O : never

export type Client<C extends Contract> = {
  readonly [K in keyof C['methods']]: (
    args: In<C['methods'][K]>,
    context?: CallContext,
  ) => Promise<Out<C['methods'][K]>>
}

export type Handlers<C extends Contract> = {
  readonly [K in keyof C['methods']]: (args: In<C['methods'][K]>, context: CallContext) => Promise<Out<C['methods'][K]>>
}
