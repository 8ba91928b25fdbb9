/** One set-up at a time: a file with the process number of its holder. A holder that died does not count. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const isAlive = pid => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** @returns {number | undefined} the living holder, or nothing when the lock is now ours */
function take(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' })
    return undefined
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  let holder
  try {
    holder = Number(readFileSync(path, 'utf8'))
  } catch {
    return take(path)
  }
  if (holder > 0 && holder !== process.pid && isAlive(holder)) return holder
  rmSync(path, { force: true })
  return take(path)
}

/**
 * @template T
 * @param {string} path
 * @param {{ progress: import('./progress.mjs').Progress, signal: AbortSignal, pollMs?: number }} context
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, context, work) {
  let step
  for (let holder = take(path); holder !== undefined; holder = take(path)) {
    step ??= context.progress.step(`Another set-up is running (process ${holder}): waiting for it`, { shown: true })
    await sleep(context.pollMs ?? 200, undefined, { signal: context.signal })
  }
  step?.done()
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}
