import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Closers, waitFor } from '#base'

const run = promisify(execFile)

export interface MachineOptions {
  readonly image: string
  readonly memoryMiB: number
  readonly configDrive?: string
  /** Further arguments of -netdev user, for example where the metadata service is. */
  readonly network?: string
  readonly extra?: readonly string[]
}

/** A guest under plain emulation: its serial console as text, QMP, and a port of loopback that leads to its ssh. */
export interface Machine {
  readonly folder: string
  readonly sshPort: number
  readonly console: () => string
  /** Waits until the console has shown `text` after position `from`; returns the position behind it. */
  waitForText(text: string | RegExp, from?: number): Promise<number>
  type(line: string): void
  qmp(command: string): Promise<void>
  /** Resolves when QEMU has ended, with its exit code. */
  readonly ended: Promise<number | null>
  close(): Promise<void>
}

const bootDeadlineMs = 180_000

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const closers = new Closers()
  const folder = await mkdtemp(join(tmpdir(), 'guest-image-'))
  closers.add(() => rm(folder, { recursive: true, force: true }))
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', options.image, '-F', 'qcow2', join(folder, 'disk'), '1G'])
  const sshPort = await freePort()
  const qemu = spawn('qemu-system-x86_64', argumentsFor(options, folder, sshPort), {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  qemu.stderr.on('data', chunk => (complaints += String(chunk)))
  const ended = new Promise<number | null>(resolve => qemu.once('exit', code => resolve(code)))
  closers.add(() => endProcess(qemu, ended))
  const connect = (name: string) =>
    waitFor(`QEMU's ${name} socket`, () => tryConnect(join(folder, name), qemu, complaints), { deadlineMs: 60_000 })
  const serial = await connect('serial')
  closers.add(() => serial.destroy())
  let text = ''
  serial.on('data', chunk => (text += chunk.toString('latin1')))
  const monitor = await connect('qmp')
  closers.add(() => monitor.destroy())
  const qmp = await openMonitor(monitor)
  return {
    folder,
    sshPort,
    console: () => text,
    ended,
    type: line => void serial.write(`${line}\n`),
    qmp,
    close: () => closers.close(),
    async waitForText(wanted, from = 0) {
      const find = () => {
        const rest = text.slice(from)
        const found = typeof wanted === 'string' ? rest.indexOf(wanted) : rest.search(wanted)
        const length = typeof wanted === 'string' ? wanted.length : (wanted.exec(rest)?.[0].length ?? 0)
        return found < 0 ? undefined : from + found + length
      }
      return await waitFor(`${wanted} on the console`, find, { deadlineMs: bootDeadlineMs }).catch(error => {
        throw new Error(`${error.message}; the console shows:\n${text}\n${complaints}`)
      })
    },
  }
}

function argumentsFor(options: MachineOptions, folder: string, sshPort: number): string[] {
  const network = ['user', 'id=n', 'restrict=on', `hostfwd=tcp:127.0.0.1:${sshPort}-:22`, options.network]
  return [
    ['-accel', 'tcg,tb-size=64', '-cpu', 'max', '-m', String(options.memoryMiB), '-display', 'none'],
    ['-nodefaults', '-no-user-config', '-uuid', '6ff0e8a4-8f3c-4e1e-a5a4-000000000001'],
    ['-chardev', `socket,id=s,path=${join(folder, 'serial')},server=on,wait=on`, '-serial', 'chardev:s'],
    ['-qmp', `unix:${join(folder, 'qmp')},server=on,wait=off`],
    [
      '-drive',
      `if=none,id=d,file=${join(folder, 'disk')},cache=unsafe`,
      '-device',
      'virtio-blk-pci,drive=d,serial=root-1',
    ],
    ['-netdev', network.filter(each => each !== undefined).join(','), '-device', 'virtio-net-pci,netdev=n'],
    ['-device', 'virtio-rng-pci'],
    options.configDrive === undefined ? [] : ['-cdrom', options.configDrive],
    options.extra ?? [],
  ].flat()
}

async function tryConnect(path: string, qemu: ChildProcess, complaints: string): Promise<Socket | undefined> {
  if (qemu.exitCode !== null) throw new Error(`QEMU ended with ${qemu.exitCode}: ${complaints}`)
  const socket = createConnection(path)
  return new Promise(resolve => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

async function openMonitor(socket: Socket): Promise<(command: string) => Promise<void>> {
  const lines = createInterface({ input: socket })
  const waiting: ((answer: string) => void)[] = []
  lines.on('line', line => {
    if (line.includes('"return"') || line.includes('"error"')) waiting.shift()?.(line)
  })
  const send = async (command: string) => {
    const answer = await new Promise<string>(resolve => {
      waiting.push(resolve)
      socket.write(`${JSON.stringify({ execute: command })}\n`)
    })
    if (answer.includes('"error"')) throw new Error(`QMP ${command}: ${answer}`)
  }
  await send('qmp_capabilities')
  return send
}

async function endProcess(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await ended
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Logs in on the serial console and returns the answer of each command. */
export async function logIn(machine: Machine): Promise<(command: string) => Promise<string>> {
  let at = await machine.waitForText(/login: $/)
  machine.type('cirros')
  at = await machine.waitForText('Password: ', at)
  machine.type('gocubsgo')
  at = await machine.waitForText('$ ', at)
  let count = 0
  return async command => {
    count++
    // what is typed comes back (wrapped at 80 columns); only the answers have the marks in one piece
    machine.type(`echo 'from'-${count}; ${command}; echo 'to'-${count}`)
    const start = await machine.waitForText(`from-${count}\r\n`, at)
    at = await machine.waitForText(`to-${count}\r\n`, start)
    const answer = machine.console().slice(start, at - `to-${count}\r\n`.length)
    at = await machine.waitForText('$ ', at)
    return answer.replaceAll('\r', '').trim()
  }
}

/** Runs a command over ssh with a key, or with the password when `key` is not given. */
export async function ssh(machine: Machine, key: string | undefined, command: string): Promise<string> {
  const options = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
  const env: NodeJS.ProcessEnv = { ...process.env }
  if (key === undefined) {
    const answer = join(machine.folder, 'password')
    await writeFile(answer, '#!/bin/sh\necho gocubsgo\n', { mode: 0o700 })
    Object.assign(env, { SSH_ASKPASS: answer, SSH_ASKPASS_REQUIRE: 'force' })
    options.push('-o', 'PubkeyAuthentication=no')
  } else options.push('-o', 'BatchMode=yes', '-o', 'PasswordAuthentication=no', '-i', key)
  const { stdout } = await run('ssh', [...options, '-p', String(machine.sshPort), 'cirros@127.0.0.1', command], { env })
  return stdout.trim()
}
