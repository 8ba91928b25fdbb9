import type { DecisionRecord, RequestSpec } from '#model'
import type { Store } from '#store'

/** What nova-manage's commands work on; each part is opened when it is first asked for. */
export interface ManageWorld {
  store(): Promise<Store>
  /** Where so many servers would go now, without taking anything. */
  rehearse(spec: RequestSpec, count: number): Promise<DecisionRecord>
}

export interface CommandResult {
  /** What to print. */
  readonly text: string
  readonly exitCode: number
}

export type ManageCommand = (world: ManageWorld) => Promise<CommandResult>
