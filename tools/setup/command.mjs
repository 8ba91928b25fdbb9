/** Runs a command of the set-up: output kept for an error, lines reported as they come, stopped by a signal. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const keptBytes = 64 * 1024

/**
 * The command gets a session of its own: Ctrl-C reaches only us, and we pass it on once through `signal`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, signal?: AbortSignal, onLine?: (line: string) => void, onStatus?: (line: string) => void }} [options]
 * @returns {Promise<{ code: number, output: string }>} `output` is the tail of stdout and stderr together
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'pipe', ...(options.onStatus === undefined ? [] : ['pipe'])]
    const child = spawn(command, args, {
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio,
      detached: true,
    })
    let output = ''
    const keep = line => {
      output = `${output}${line}\n`.slice(-keptBytes)
      options.onLine?.(line)
    }
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', keep)
    const status = child.stdio[3]
    if (status) createInterface({ input: status }).on('line', line => options.onStatus?.(line))
    const stop = () => child.kill('SIGINT')
    options.signal?.addEventListener('abort', stop, { once: true })
    if (options.signal?.aborted) stop()
    child.on('error', reject)
    child.on('close', code => {
      options.signal?.removeEventListener('abort', stop)
      resolve({ code: code ?? 1, output })
    })
  })
}

/** The last lines of an output, for an error. */
export const tail = (output, lines = 15) => output.trimEnd().split('\n').slice(-lines).join('\n')
