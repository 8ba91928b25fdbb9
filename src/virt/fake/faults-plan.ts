export type FakeOperation =
  | 'list'
  | 'state'
  | 'spawn'
  | 'start'
  | 'stop'
  | 'reboot'
  | 'pause'
  | 'resume'
  | 'destroy'
  | 'diagnostics'
  | 'describe'
  | 'attachVif'
  | 'detachVif'
  | 'consoleLog'
  | 'snapshot'
  | 'console'
  | 'cacheImage'
  | 'cleanImages'
  | 'quiesce'
  | 'thaw'
  | 'machine'
  | 'offer'
  | 'receive'
  | 'discard'
  | 'confirm'
  | 'revert'
  | 'describeMigration'
  | 'refusal'
  | 'prepareIncoming'
  | 'discardIncoming'
  | 'send'
  | 'arrive'
  | 'forceComplete'
  | 'forget'
  | 'volumeConnector'
  | 'attachVolume'
  | 'detachVolume'
  | 'swapVolume'
  | 'extendVolume'
  | 'snapshotVolume'
  | 'suspend'
  | 'resumeSuspended'
  | 'rescue'
  | 'unrescue'
  | 'rebuild'
  | 'setPassword'
  | 'crashDump'
  | 'mountShare'
  | 'unmountShares'

/** What shall go wrong next. May be shared by several drivers, so that any host of a test cloud fails. */
export class FaultPlan {
  readonly #planned = new Map<FakeOperation, unknown[]>()
  #clinging: { readonly fault: unknown } | undefined

  /** The next call of this operation throws `fault` and changes nothing; planned ones are thrown in order. */
  failNext(operation: FakeOperation, fault: unknown): void {
    this.#planned.set(operation, [...(this.#planned.get(operation) ?? []), fault])
  }

  /** From now on running guests let go of no device: taking one away throws `fault`. */
  cling(fault: unknown): void {
    this.#clinging = { fault }
  }

  letGo(isRunning: boolean): void {
    if (isRunning && this.#clinging !== undefined) throw this.#clinging.fault
  }

  throwPlanned(operation: FakeOperation): void {
    const planned = this.#planned.get(operation)
    if (planned === undefined || planned.length === 0) return
    throw planned.shift()
  }
}
