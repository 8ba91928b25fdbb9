import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson } from '#base'
import { temporaryFolder } from './temporary-folder.ts'
import type { Undo } from './undo.ts'

const root = join(import.meta.dirname, '../..')
/** As users start it: what the launcher tells Node.js is part of what is measured. */
const launcher = join(root, 'bin/nova-allinone')

/** The JSON line of the all-in-one, as far as it is used here. */
export interface Ready {
  readonly urls: Readonly<Record<'identity' | 'compute' | 'image' | 'network' | 'placement' | 'volume', string>>
  readonly state: string
  readonly pid: number
}

export interface ControlPlaneOptions {
  readonly undo: Undo
  readonly hypervisor: 'fake' | 'libvirt'
  readonly offset: number
  /** Parent of the state folder. */
  readonly parent?: string | undefined
  readonly hosts?: number
  /** More options of the program, for every call. */
  readonly flags?: readonly string[]
  readonly nodeOptions?: string
  /** Text of nova.conf; without it the quotas are away, which is what measurements want. */
  readonly config?: string
  /** Leave the folder behind. */
  readonly isKept?: boolean
  readonly env?: NodeJS.ProcessEnv
}

/** Quotas away; they are not what is measured. */
const novaConf = `[quota]
instances = -1
cores = -1
ram = -1
[filter_scheduler]
max_instances_per_host = 100000
`

/**
 * The one-process cloud in a process of its own, on a state folder that goes away with `undo`. It can be stopped and
 * started again on the same folder.
 */
export class ControlPlane {
  readonly stateDir: string
  readonly #options: ControlPlaneOptions
  readonly #folder: string
  #child: ChildProcess | undefined
  #ready: Ready | undefined

  constructor(options: ControlPlaneOptions) {
    this.#options = options
    // Short, because unix sockets below it have at most 107 characters.
    this.#folder = temporaryFolder(options.parent)
    this.stateDir = join(this.#folder, 'state')
    writeFileSync(join(this.#folder, 'nova.conf'), options.config ?? novaConf)
    writeFileSync(join(this.#folder, 'empty.raw'), Buffer.alloc(1_048_576))
    options.undo.add(() => this.#remove())
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('the control plane is not up')
    return this.#ready
  }

  get pid(): number {
    return this.ready.pid
  }

  /** Resolves when it has said that it is ready, which is after its APIs answer. */
  async start(): Promise<Ready> {
    const child = this.spawn()
    this.#ready = fromJson<Ready>(await firstLine(child, this.#folder))
    return this.#ready
  }

  /** Starts it and waits for nothing. */
  spawn(): ChildProcess {
    const { nodeOptions = '', env = {} } = this.#options
    const child = spawn(launcher, this.#flags, {
      cwd: root,
      stdio: ['ignore', 'pipe', openSync(join(this.#folder, 'stderr'), 'a')],
      env: { ...process.env, ...env, NODE_OPTIONS: nodeOptions },
    })
    this.#child = child
    return child
  }

  get #flags(): string[] {
    const { hypervisor, offset, hosts, flags = [] } = this.#options
    return [
      `--hypervisor=${hypervisor}`,
      `--state=${this.stateDir}`,
      `--offset=${offset}`,
      `--config-file=${join(this.#folder, 'nova.conf')}`,
      '--bare',
      '--json',
      ...(hosts === undefined ? [] : [`--hosts=${hosts}`]),
      ...flags,
      // Keeps it from compiling a kernel in the background while we measure.
      ...(hypervisor === 'libvirt' ? [`--image=${join(this.#folder, 'empty.raw')}`] : []),
    ]
  }

  /** Ctrl-C; resolves with the milliseconds it took to end. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0
    const startedAt = performance.now()
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill(signal)
    await ended
    return performance.now() - startedAt
  }

  async #remove(): Promise<void> {
    await this.stop()
    // The folder of the state goes with its guests.
    if (this.#options.isKept === true) copyFileSync(join(this.stateDir, 'nova.log'), join(this.#folder, 'nova.log'))
    if (this.#options.hypervisor === 'libvirt') await destroy(this.stateDir, this.#options.flags)
    if (!this.#options.isKept) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Guests, libvirt, bridges, DHCP and firewall of a state folder. */
function destroy(stateDir: string, flags: readonly string[] = []): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(launcher, ['--state', stateDir, '--destroy', '--json', ...flags], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let told = ''
    child.stderr.on('data', chunk => {
      told += String(chunk)
    })
    child.once('error', reject)
    child.once('exit', code =>
      code === 0 ? resolve() : reject(new Error(`removing the cloud of ${stateDir} ended with ${code}: ${told}`)),
    )
  })
}

function firstLine(child: ChildProcess, folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('error', reject)
    child.once('exit', code =>
      reject(
        new Error(`the control plane ended with ${code}: ${readFileSync(join(folder, 'stderr'), 'utf8').slice(-2000)}`),
      ),
    )
  })
}
