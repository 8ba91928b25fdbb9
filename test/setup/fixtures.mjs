/** Stand-ins for the machine: a folder of fake commands for PATH, a recorder for progress, real child processes. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A scratch folder with `bin/` on a PATH and `root/` for the files that set-up would write below /. */
export function scratchMachine(t, commands = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'setup-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'root/usr/sbin'), { recursive: true })
  for (const [name, body] of Object.entries(commands)) {
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\ncd '${folder}'\n${body}\n`)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  const read = name => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '')
  return {
    folder,
    root: join(folder, 'root'),
    policy: join(folder, 'root/usr/sbin/policy-rc.d'),
    env: { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` },
    read,
    lines: name =>
      read(name)
        .split('\n')
        .filter(line => line !== ''),
  }
}

/** Collects what a person would see. */
export function recorder(isTTY = false) {
  const written = []
  return { out: { isTTY, columns: 60, write: text => written.push(text) }, text: () => written.join('') }
}

export async function waitUntil(what, probe, deadlineMs = 20_000) {
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = probe()
    if (value) return value
    if (performance.now() > end) throw new Error(`gave up waiting for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Starts a process in a session of its own and collects its output; ended with the test, its children too. */
export function start(t, command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...options })
  const seen = { out: '', err: '' }
  child.stdout.on('data', data => {
    seen.out += data
  })
  child.stderr.on('data', data => {
    seen.err += data
  })
  const ended = new Promise(resolve => child.on('close', (code, signal) => resolve({ code, signal })))
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL')
  })
  return { child, seen, ended }
}
