import { spawn } from 'node:child_process'
import { declareFault } from '#base'

export const FenceFailed = declareFault(
  'FenceFailed',
  'final',
  (p: { host: string; reason: string }) => `Host ${p.host} could not be fenced: ${p.reason}`,
)

/** Of what the command said, for whoever has to mend it. */
const longestOutput = 500

/**
 * Switches a host off by the operator's command, which gets no shell and no more environment than PATH. Resolves when it has
 * ended with 0; `FenceFailed` otherwise, with what it said. At the time's end or at the signal all its processes are killed.
 */
export async function runFenceCommand(
  command: string,
  host: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const [program = '', ...args] = command
    .trim()
    .split(/\s+/)
    .map(word => word.replaceAll('{host}', host))
  const child = spawn(program, args, {
    // A group of its own, that can be killed as one.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = `${output}${chunk.toString('utf8')}`.slice(-longestOutput)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const killAll = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  }
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    killAll()
  }, timeoutMs)
  signal.addEventListener('abort', killAll, { once: true })
  try {
    const reason = await new Promise<string | undefined>(resolve => {
      child.once('error', error => resolve(error.message))
      child.once('close', (code, killedBy) => resolve(code === 0 ? undefined : `it ended with ${code ?? killedBy}`))
    })
    if (reason === undefined) return
    signal.throwIfAborted()
    const why = isLate ? `the command took longer than ${timeoutMs / 1000} seconds` : reason
    throw FenceFailed({ host, reason: output.trim() === '' ? why : `${why}: ${output.trim()}` })
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', killAll)
  }
}
