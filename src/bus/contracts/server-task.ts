/** What every saga about one server is told. */
export interface ServerTask {
  readonly instanceId: string
  /** The action in the actions log that this work belongs to. */
  readonly requestId: string
}
