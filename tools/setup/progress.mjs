/**
 * Progress on stderr. On a terminal one line per step that is rewritten in place; elsewhere plain lines: one when a
 * step starts, one per ten percent, one at its end. A step of less than a second shows nothing unless `shown`.
 */
const redrawMs = 100
const quietMs = 1000

/**
 * @typedef {{ update(percent: number | undefined, detail?: string): void, note(text: string): void, done(text?: string): void, stop(): void }} Step
 * @typedef {{ step(title: string, options?: { shown?: boolean }): Step }} Progress
 */

const seconds = sinceMs => `${Math.max(1, Math.round((performance.now() - sinceMs) / 1000))} s`

function terminalStep(out, title, shown) {
  const started = performance.now()
  let percent, detail
  let visible = shown
  const draw = () => {
    if (!visible && performance.now() - started < quietMs) return
    visible = true
    const parts = [title, percent === undefined ? '' : `${Math.floor(percent)}%`, seconds(started), detail ?? '']
    out.write(
      `\r\x1b[2K${parts
        .filter(part => part !== '')
        .join('  ')
        .slice(0, (out.columns ?? 80) - 1)}`,
    )
  }
  const timer = setInterval(draw, redrawMs)
  timer.unref()
  draw()
  const finish = line => {
    clearInterval(timer)
    if (visible) out.write(`\r\x1b[2K${line}`)
  }
  return {
    update(newPercent, newDetail) {
      percent = newPercent ?? percent
      detail = newDetail ?? detail
    },
    note: text => out.write(`\r\x1b[2K${text}\n`),
    done: (text = 'done') => finish(`${title}: ${text} in ${seconds(started)}\n`),
    stop: () => finish(''),
  }
}

function plainStep(out, title, shown) {
  const started = performance.now()
  let tenth = 0
  let visible = false
  const show = () => {
    if (!visible) out.write(`${title} ...\n`)
    visible = true
  }
  const timer = setTimeout(show, shown ? 0 : quietMs)
  timer.unref()
  if (shown) show()
  return {
    update(percent) {
      if (percent === undefined || Math.floor(percent / 10) <= tenth || !visible) return
      tenth = Math.floor(percent / 10)
      if (tenth < 10) out.write(`${title}: ${tenth * 10}%\n`)
    },
    note: text => out.write(`${text}\n`),
    done(text = 'done') {
      clearTimeout(timer)
      if (visible) out.write(`${title}: ${text} in ${seconds(started)}\n`)
    },
    stop: () => clearTimeout(timer),
  }
}

/**
 * @param {{ write(text: string): unknown, isTTY?: boolean, columns?: number }} [out]
 * @returns {Progress}
 */
export const createProgress = (out = process.stderr) => ({
  step: (title, { shown = false } = {}) =>
    out.isTTY === true ? terminalStep(out, title, shown) : plainStep(out, title, shown),
})
