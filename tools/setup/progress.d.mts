/** One piece of work, as the terminal shows it; progress.mjs says how. */
export interface Step {
  /** Percent are whole numbers up to 100. */
  update(percent: number | undefined, detail?: string): void
  note(text: string): void
  done(text?: string): void
  stop(): void
}
export interface Progress {
  step(title: string, options?: { shown?: boolean }): Step
}
export function createProgress(out?: { write(text: string): unknown; isTTY?: boolean; columns?: number }): Progress
