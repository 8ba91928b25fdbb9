import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '#base'
import type { Undo } from './undo.ts'

/** The line that the stock image prints when init has started. */
const userspace = 'guest: userspace'
const bootDeadlineMs = 180_000

/** Resolves with the time (`performance.now()`) at which the console file had the line. */
export const whenUserspace = (consoleFile: string): Promise<number> =>
  waitFor('the guest', () => (readOrNothing(consoleFile).includes(userspace) ? performance.now() : undefined), {
    deadlineMs: bootDeadlineMs,
    everyMs: 5,
  })

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The command line under which libvirt runs the guest. */
export function commandOf(id: string): readonly string[] {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const words = readOrNothing(`/proc/${pid}/cmdline`).split('\0').slice(0, -1)
    if (words[0]?.includes('qemu-system') && words.includes(id)) return words
  }
  throw new Error(`no QEMU runs for ${id}`)
}

interface Files {
  readonly disk: string
  readonly console: string
}

type Rule = (value: string, files: Files) => string | undefined

/** What libvirt says on behalf of itself; everything else is the machine and stays as it is. */
const rules: Readonly<Record<string, Rule>> = {
  '-name': () => undefined,
  '-S': () => undefined,
  '-mon': () => undefined,
  '-add-fd': () => undefined,
  '-pidfile': () => undefined,
  '-vnc': () => undefined,
  '-audiodev': () => undefined,
  '-object': value => (value.includes('"secret"') ? undefined : value),
  '-netdev': value => JSON.stringify({ type: 'user', id: /"id":"([^"]+)"/.exec(value)?.[1], restrict: true }),
  '-blockdev': (value, files) =>
    value.replace(/"filename":"[^"]*\/instances\/[0-9a-f-]{36}\/disk"/, `"filename":"${files.disk}"`),
  '-chardev': (value, files) => {
    const id = /id=([^,]+)/.exec(value)?.[1] ?? ''
    if (id === 'charmonitor') return undefined
    return id.startsWith('charserial') ? `file,id=${id},path=${files.console}` : `null,id=${id}`
  },
}

/** The same machine with the same devices, without libvirt, taps, monitor and screen. */
export function rawCommand(words: readonly string[], files: Files): string[] {
  const [program = '', ...rest] = words
  const out = [program]
  for (let i = 0; i < rest.length; ) {
    const option = rest[i] ?? ''
    const value = rest[i + 1]
    const hasValue = value !== undefined && !/^-[a-zA-Z]/.test(value)
    const rule = rules[option]
    i += hasValue ? 2 : 1
    if (rule === undefined) out.push(option, ...(hasValue ? [value] : []))
    else {
      const kept = rule(hasValue ? value : '', files)
      if (kept !== undefined) out.push(option, kept)
    }
  }
  return [...out, '-display', 'none']
}

/** The backing file of the guest's disk, which a disk of our own gets as well. */
const backingOf = (words: readonly string[]): string => {
  const found = words.map(word => /"filename":"([^"]*\/_base\/[^"]*)"/.exec(word)?.[1]).find(path => path !== undefined)
  if (found === undefined) throw new Error('the guest has no backing file')
  return found
}

/** Boots that machine once on a new overlay; milliseconds from exec to userspace. */
export async function timeRawBoot(words: readonly string[], folder: string, undo: Undo): Promise<number> {
  const files = { disk: join(folder, 'raw-disk'), console: join(folder, 'raw-console') }
  for (const path of Object.values(files)) rmSync(path, { force: true })
  const create = ['create', '-q', '-f', 'qcow2', '-b', backingOf(words), '-F', 'raw', files.disk, '1G']
  execFileSync('qemu-img', create)
  const [program = '', ...argv] = rawCommand(words, files)
  const startedAt = performance.now()
  const qemu = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(qemu, 'exit')
  undo.add(() => void qemu.kill('SIGKILL'))
  let complaint = ''
  qemu.stderr.on('data', chunk => {
    complaint += String(chunk)
  })
  const failed = ended.then(([code, signal]) => {
    throw new Error(`QEMU ended with ${code ?? signal}: ${complaint}`)
  })
  try {
    return (await Promise.race([whenUserspace(files.console), failed])) - startedAt
  } finally {
    failed.catch(() => undefined)
    qemu.kill('SIGKILL')
    await ended
  }
}
