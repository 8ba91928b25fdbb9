import type { FaultRecord } from '#base'

/** What travels on the socket: calls one way, answers the other, in any order. */
export interface CallMessage {
  readonly id: number
  readonly method: string
  readonly args: unknown
  readonly key?: string
  readonly requestId?: string
}

export type AnswerMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly fault: FaultRecord }
  /** The server is stopping and has not taken this call; id 0: it will take no more. */
  | { readonly id: number; readonly isGone: true }
