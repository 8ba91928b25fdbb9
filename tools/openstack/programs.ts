/** Programs of one place: each ends with this process, however that ends, and writes a log of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '#base'
import { host, type Listener, type Place } from './place.ts'

/** Long enough for a database migration on a machine that does other things too. */
const readyMs = 240_000
const stopMs = 10_000

/** Further ones, of uWSGI and of the environment. */
interface ApiOptions {
  readonly options?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

export class Programs {
  readonly #place: Place
  readonly #running: { readonly name: string; readonly child: ChildProcess }[] = []

  constructor(place: Place) {
    this.#place = place
  }

  logOf(name: string): string {
    return join(this.#place.folder, 'log', `${name}.log`)
  }

  #spawn(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const log = openSync(this.logOf(name), 'a', 0o600)
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      cwd: this.#place.folder,
      env: { ...this.#place.env, ...env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    return child
  }

  /** Runs a program of the set-up to its end. */
  run(name: string, command: string, ...args: readonly string[]): Promise<void> {
    return this.runWith(name, {}, command, args)
  }

  async runWith(name: string, env: NodeJS.ProcessEnv, command: string, args: readonly string[]): Promise<void> {
    const [code] = await once(this.#spawn(name, command, args, env), 'exit')
    if (code !== 0) throw new Error(`${command} failed:\n${this.#lastWords(name)}`)
  }

  #lastWords(name: string): string {
    return `${readFileSync(this.logOf(name), 'utf8').slice(-2000)}\n(${this.logOf(name)})`
  }

  start(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    this.#running.push({ name, child: this.#spawn(name, command, args, env) })
  }

  /** An API by its WSGI file, as Debian's packages run it but with fewer workers: one reads requests by threads. */
  startApi(name: Listener, wsgi: string, { options = [], env = {} }: ApiOptions = {}): void {
    const command = [
      '--plugins=python3',
      '--master',
      '--lazy-apps',
      '--need-app',
      '--no-orphans',
      '--die-on-term',
      '--enable-threads',
      '--thunder-lock',
      '--processes=1',
      '--threads=16',
      '--buffer-size=65535',
      '--listen=100',
      '--socket-timeout=60',
      '--rem-header=Content-Length',
      '--add-header=Connection: close',
      `--http-socket=${host}:${this.#place.ports[name]}`,
      `--wsgi-file=${wsgi}`,
      `--procname-prefix-spaced=${name}`,
      ...options,
    ]
    this.start(name, 'uwsgi_python311', command, env)
  }

  /** Until the API of that name answers with anything but a failure of its own. */
  async answers(name: Listener): Promise<void> {
    const url = this.#place.url(name)
    await this.until(name, async () => {
      const reply = await fetch(url).catch(() => undefined)
      await reply?.arrayBuffer()
      return (reply !== undefined && reply.status < 500) || undefined
    })
  }

  /** Until the probe finds something, or the program of that name has ended. */
  async until<T>(name: string, probe: () => Promise<T | undefined>): Promise<T> {
    const program = this.#running.find(one => one.name === name)
    const found = await waitFor(
      `${name} to be ready`,
      () => {
        if (program !== undefined && hasEnded(program.child)) throw new Error(`${name} ended: ${this.#lastWords(name)}`)
        return probe()
      },
      { deadlineMs: readyMs, everyMs: 250 },
    )
    return found
  }

  /** In reverse; what does not end by itself is killed. */
  async stop(): Promise<void> {
    const last = this.#running.splice(0).reverse()
    await Promise.all(
      last.map(async ({ child }) => {
        if (hasEnded(child)) return
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        const killer = setTimeout(() => child.kill('SIGKILL'), stopMs)
        await ended
        clearTimeout(killer)
      }),
    )
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null
