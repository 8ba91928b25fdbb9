import { styleText } from 'node:util'

/** A step that takes longer than this is shown. */
const patienceMs = 1000

export interface Progress {
  /** Runs the work; if it takes longer than a second, the user sees what it is and how long it took. */
  step<T>(what: string, work: (note: (detail: string) => void) => Promise<T>): Promise<T>
  line(text: string): void
}

/**
 * Lines for people on the given stream. On a terminal the running step is one line that counts; elsewhere each step is a
 * line when it starts to take long and one when it ends.
 */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const isTerminal = stream.isTTY === true
  return {
    line: text => stream.write(`${text}\n`),
    async step(what, work) {
      const startedAt = performance.now()
      let detail = ''
      let isShown = false
      const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(0)
      const show = () => {
        if (!isTerminal && isShown) return
        isShown = true
        const text = `${what}${detail === '' ? '' : `: ${detail}`}`
        stream.write(isTerminal ? `\r\u001b[K  ${styleText('cyan', '◌')} ${text} (${seconds()} s)` : `  ${text} ...\n`)
      }
      const timer = setInterval(show, patienceMs)
      try {
        const result = await work(text => {
          detail = text
        })
        if (isShown)
          stream.write(`${isTerminal ? '\r\u001b[K' : ''}  ${styleText('green', '✓')} ${what} (${seconds()} s)\n`)
        return result
      } catch (error) {
        if (isShown && isTerminal) stream.write('\r\u001b[K')
        throw error
      } finally {
        clearInterval(timer)
      }
    },
  }
}
