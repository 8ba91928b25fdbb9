import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { GuestBuildCancelled, GuestBuildToolFailed, GuestDiskFull } from './faults.ts'

export interface ToolOptions {
  readonly folder: string
  readonly signal?: AbortSignal | undefined
  /** Called with every line of stdout and stderr. */
  readonly onLine?: (line: string) => void
  readonly environment?: Readonly<Record<string, string>>
}

const lastLinesKept = 25
const path = '/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs one tool at low priority and returns its output. The tool leads a process group of its own, which dies as a whole
 * when the signal aborts; and the kernel ends the tool (setpriv --pdeathsig) when we die by kill -9.
 * Throws GuestBuildToolFailed with the last lines as detail, GuestDiskFull, or GuestBuildCancelled.
 */
export function runTool(tool: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { signal } = options
  if (signal?.aborted) return Promise.reject(GuestBuildCancelled({}))
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/bin/nice', ['-n', '10', '/usr/bin/setpriv', '--pdeathsig', 'TERM', tool, ...args], {
      cwd: options.folder,
      env: { PATH: path, LC_ALL: 'C', HOME: options.folder, MTOOLSRC: '/dev/null', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const output: string[] = []
    const tail: string[] = []
    const take = (line: string, keep: boolean) => {
      if (keep) output.push(line)
      tail.push(line)
      if (tail.length > lastLinesKept) tail.shift()
      options.onLine?.(line)
    }
    createInterface({ input: child.stdout }).on('line', line => take(line, options.onLine === undefined))
    createInterface({ input: child.stderr }).on('line', line => take(line, false))
    const kill = () => killGroup(child.pid)
    signal?.addEventListener('abort', kill, { once: true })
    child.on('error', error => reject(error))
    // `close` comes when the last process of the group has let go of the pipes, so nobody writes into the folder any more
    child.on('close', (code, by) => {
      signal?.removeEventListener('abort', kill)
      if (signal?.aborted) return reject(GuestBuildCancelled({}))
      if (code === 0) return resolve(output.join('\n'))
      const detail = tail.join('\n')
      if (detail.includes('No space left on device'))
        return reject(GuestDiskFull({ folder: options.folder }, { detail }))
      reject(GuestBuildToolFailed({ tool, exitCode: code ?? by ?? 'unknown' }, { detail }))
    })
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
