import { spawn } from 'node:child_process'
import { declareFault } from '#base'

/** A program that changes the host failed; its own words are kept. */
export const PlumbingFailed = declareFault(
  'PlumbingFailed',
  'transient',
  (p: { command: string; reason: string }) => `${p.command} failed: ${p.reason}`,
)

/** Does all of them in turn: one in trouble must not keep the others waiting. Fails at the end with what went wrong. */
export async function doAll(command: string, tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const task of tasks) await task().catch(error => failures.push(error))
  const [first] = failures
  if (failures.length === 0) return
  const reason = failures.map(error => (error instanceof Error ? error.message : String(error))).join('; ')
  throw PlumbingFailed({ command, reason }, { cause: first })
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs programs by argument list, never through a shell, in the host's or in a named network namespace. */
export interface Commands {
  run(program: string, args: readonly string[], options?: RunOptions): Promise<string>
  /** As run, but a failure answers undefined: for questions whose subject may be gone. */
  ask(program: string, args: readonly string[]): Promise<string | undefined>
}

const maxReason = 2000

function execute(program: string, args: readonly string[], { input, env }: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: env === undefined ? process.env : { ...process.env, ...env },
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => undefined) // the program may end without reading all
    child.stdin.end(input ?? '')
    const command = [program, ...args].join(' ').slice(0, 200)
    child.on('error', cause => reject(PlumbingFailed({ command, reason: cause.message }, { cause })))
    // Not 'close': a daemon that the program left behind may hold the pipes open.
    child.on('exit', code => {
      setImmediate(() => {
        if (code === 0) resolve(Buffer.concat(out).toString())
        else
          reject(
            PlumbingFailed({
              command,
              reason: Buffer.concat(err).toString().trim().slice(0, maxReason) || `exit code ${code}`,
            }),
          )
      })
    })
  })
}

export function createCommands(netns: string | undefined): Commands {
  const run: Commands['run'] = (program, args, options = {}) =>
    netns === undefined
      ? execute(program, args, options)
      : execute('ip', ['netns', 'exec', netns, program, ...args], options)
  return {
    run,
    async ask(program, args) {
      try {
        return await run(program, args)
      } catch {
        return undefined
      }
    },
  }
}
