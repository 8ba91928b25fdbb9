import type { Log } from '#base'
import type { Cloud } from '../cloud.ts'
import type { AllInOneOptions } from '../options.ts'
import type { Ports } from '../ports.ts'
import type { Progress } from '../progress.ts'
import type { Secrets } from '../state-folder.ts'

export interface FirstRun {
  readonly cloud: Cloud
  readonly options: AllInOneOptions
  readonly ports: Ports
  readonly secrets: Secrets
  readonly log: Log
  readonly progress: Progress
  /** Aborted at the stop: ends what goes on in the background. */
  readonly signal: AbortSignal
}

export interface ShownServer {
  readonly name: string
  readonly status: string
  readonly addresses: readonly string[]
}

export interface FirstRunResult {
  readonly servers: readonly ShownServer[]
  readonly keyFile: string | null
}

export async function firstRun(_run: FirstRun): Promise<FirstRunResult> {
  return { servers: [], keyFile: null }
}
