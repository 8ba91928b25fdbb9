import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * This machine once more, to install things on: its files with a layer of memory on top that takes all changes. In a mount
 * namespace of its own, which goes with the process that holds it, also after kill -9 of the test.
 */
export class OverlayMachine {
  readonly #holder: ReturnType<typeof spawn>
  readonly #folder: string

  private constructor(holder: ReturnType<typeof spawn>, folder: string) {
    this.#holder = holder
    this.#folder = folder
  }

  static async make(): Promise<OverlayMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'om-'))
    const script = `
      mount -t tmpfs overlay ${folder} && cd ${folder} && mkdir upper work root
      mount -t overlay overlay -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work root
      mount --bind /dev root/dev && mount -t proc proc root/proc && mount -t tmpfs tmp root/tmp && mount -t tmpfs run root/run
      echo ready; exec cat`
    const holder = spawn('unshare', ['--mount', 'sh', '-e', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve())
      holder.once('exit', code => reject(new Error(`no overlay: ${code}`)))
    })
    return new OverlayMachine(holder, folder)
  }

  #inside(argv: readonly string[]): readonly string[] {
    return [`--mount=/proc/${this.#holder.pid}/ns/mnt`, 'chroot', join(this.#folder, 'root'), ...argv]
  }

  /** Runs a command there; returns what it printed, throws when it failed. */
  async run(...argv: string[]): Promise<string> {
    const { stdout, stderr } = await run('nsenter', this.#inside(argv), { maxBuffer: 64 * 1024 * 1024 })
    return stdout + stderr
  }

  /** Begins a command there; it ends with the machine. */
  start(...argv: string[]): ReturnType<typeof spawn> {
    return spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', ...this.#inside(argv)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  }

  /** Puts a file of the real machine there. */
  put(from: string, to: string): void {
    execFileSync('nsenter', [
      `--mount=/proc/${this.#holder.pid}/ns/mnt`,
      'install',
      '-D',
      '-m',
      '644',
      from,
      join(this.#folder, 'root', to),
    ])
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.#holder.once('exit', resolve))
    this.#holder.kill('SIGKILL')
    await ended
    rmdirSync(this.#folder)
  }
}
