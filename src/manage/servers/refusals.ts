import { Fault } from '#base'
import type { Answer } from '../kit/command.ts'

/** Codes of faults by the exit code that a command documents for them. */
export type Refusals = Readonly<Record<string, number>>

/** Runs a command's work; a fault that it documents is its message and that exit code, others go on. */
export async function refusing(refusals: Refusals, work: () => Promise<Answer | number>): Promise<Answer | number> {
  try {
    return await work()
  } catch (error) {
    const exitCode = error instanceof Fault ? refusals[error.code] : undefined
    if (exitCode === undefined) throw error
    return { exitCode, text: (error as Fault).message }
  }
}
