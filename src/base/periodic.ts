import type { Clock } from './clock.ts'

/**
 * Runs the task again and again, `ms` after it has ended; one run at a time. A failing run is told and does not end it.
 * The returned function stops it; a run under way is not interrupted.
 */
export function every(clock: Clock, ms: number, task: () => unknown, onError: (error: unknown) => void): () => void {
  let isStopped = false
  let cancel: () => void = () => undefined
  const arm = () => {
    cancel = clock.after(ms, () => {
      Promise.resolve()
        .then(task)
        .catch(onError)
        .finally(() => {
          if (!isStopped) arm()
        })
    })
  }
  arm()
  return () => {
    isStopped = true
    cancel()
  }
}
