import type { ManageWorld } from '../manage-world.ts'
import type { Arguments, Given } from './arguments.ts'

/** Where a command tells what it does while it does it. With --json nothing of it is printed as it comes. */
export interface Output {
  say(line: string): void
  /** A part of a line that shows that something is going on. */
  tick(part: string): void
  /** Somebody has pressed Ctrl-C: who works in rounds ends after this one. */
  isInterrupted(): boolean
  /** Waits so long, or until somebody has. */
  rest(ms: number): Promise<void>
}

/** How a command ended, beyond what it has said. */
export interface Answer {
  readonly exitCode: number
  /** Said last. */
  readonly text?: string
  /** What --json prints; without it what was said and the exit code. */
  readonly value?: unknown
}

export interface CommandContext {
  readonly world: ManageWorld
  readonly out: Output
}

export interface Command {
  readonly name: string
  readonly help: string
  readonly arguments: Arguments
  run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<Answer | number>
}

interface CommandOf<A extends Arguments> {
  readonly name: string
  readonly help: string
  readonly arguments: A
  run(given: Given<A>, context: CommandContext): Promise<Answer | number>
}

/** Declares a command; a number alone is its exit code. */
export const command = <const A extends Arguments>(declared: CommandOf<A>): Command => ({
  ...declared,
  // The parser gives exactly what is declared.
  run: (given, context) => declared.run(given as Given<A>, context),
})

export interface CommandGroup {
  readonly name: string
  readonly help: string
  readonly commands: readonly Command[]
  /** Exit code of what a command does not know how to answer: 255 as in Nova, unless it is said here. */
  readonly faultExitCode?: number
}
