/** The listener of Debian's oslo.messaging, as Ceilometer and the like have it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fromJson, waitFor } from '#base'
import type { Json } from '../api/harness.ts'

export interface Notification {
  readonly priority: string
  readonly context: Readonly<Record<string, unknown>>
  readonly publisher_id: string
  readonly event_type: string
  readonly payload: Json
  readonly metadata: { readonly message_id: string; readonly timestamp: string }
}

const deadlineMs = 60_000

export class Listener {
  readonly #child: ChildProcess
  readonly all: Notification[] = []
  #said = ''
  #isReady = false

  private constructor(url: string, topics: readonly string[]) {
    const program = join(import.meta.dirname, 'listener.py')
    const command = ['--pdeathsig', 'KILL', '--', '/usr/bin/python3', program, url, 'nova', ...topics]
    this.#child = spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new Error('no pipes')
    stderr.on('data', chunk => {
      this.#said += String(chunk)
    })
    createInterface(stdout).on('line', line => {
      const said = fromJson<'ready' | Notification>(line)
      if (said === 'ready') this.#isReady = true
      else this.all.push(said)
    })
  }

  static async start(url: string, ...topics: string[]): Promise<Listener> {
    const listener = new Listener(url, topics)
    await waitFor('the listener', () => listener.#isReady || listener.#whyNot(), { deadlineMs })
    return listener
  }

  #whyNot(): undefined {
    if (this.#child.exitCode !== null) throw new Error(`the listener ended: ${this.#said}`)
    return undefined
  }

  types(instanceId?: string): readonly string[] {
    return this.of(instanceId).map(({ event_type: type }) => type)
  }

  /** About this server, versioned or not; without one all. */
  of(instanceId?: string): readonly Notification[] {
    return instanceId === undefined ? this.all : this.all.filter(({ payload }) => subjectOf(payload) === instanceId)
  }

  /** The first of that type, of that server, that is as wanted. */
  heard(type: string, instanceId?: string, isIt: (n: Notification) => boolean = () => true): Promise<Notification> {
    return waitFor(
      `${type} to be heard`,
      () => this.#whyNot() ?? this.of(instanceId).find(n => n.event_type === type && isIt(n)),
      { deadlineMs, everyMs: 10 },
    )
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The data of a versioned payload. */
export const dataOf = (payload: Json): Json => payload['nova_object.data']

const subjectOf = (payload: Json): unknown => {
  const data = dataOf(payload)
  return data === undefined ? payload.instance_id : (data.uuid ?? data.instance_uuid)
}
