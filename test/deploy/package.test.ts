import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitFor } from '#base'
import { buildDebianPackage } from '../../tools/package/debian.mjs'
import { OverlayMachine } from './overlay.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const executables = readdirSync(join(root, 'bin')).filter(name => name.startsWith('nova-'))
const units = readdirSync(join(root, 'deploy/systemd')).filter(name => name.endsWith('.service'))
const silent = { step: () => ({ update() {}, note() {}, done() {}, stop() {} }) }

describe('the Debian package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'deb-'))
  let machine: OverlayMachine
  before(async () => {
    writeFileSync(neighbours, '[keystone_authtoken]\nauth_url = http://127.0.0.1:1/v3\nusername = nova\npassword = p\n')
    const signal = new AbortController().signal
    const path = await buildDebianPackage({ root, folder, progress: silent, signal })
    machine = await OverlayMachine.make()
    machine.put(path, 'tmp/nova-ts.deb')
  })
  after(async () => {
    await machine?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const neighbours = join(folder, 'neighbours.conf')
  const asNova = ['setpriv', '--reuid=nova', '--regid=nova', '--clear-groups', '--']

  test('is installed, and makes a user and folders that are its own', async () => {
    assert.match(await machine.run('dpkg', '-i', '/tmp/nova-ts.deb'), /Setting up nova-ts/)
    const modes = await machine.run('stat', '-c', '%U:%G %a', '/etc/nova/nova.conf', '/var/lib/nova', '/var/log/nova')
    assert.deepEqual(modes.trim().split('\n'), ['root:nova 640', 'nova:nova 750', 'nova:nova 750'])
    assert.equal(await machine.run('dpkg', '--verify', 'nova-ts'), '')
  })

  test('brings every executable, with a Node.js, without tests', async () => {
    for (const name of executables.filter(name => name !== 'nova-dhcpbridge')) {
      assert.match(await machine.run('env', '-i', ...asNova, `/usr/bin/${name}`, '--help'), /usage/i, name)
    }
    const files = (await machine.run('dpkg', '-L', 'nova-ts')).split('\n')
    assert.ok(files.includes('/usr/bin/nova-dhcpbridge'))
    assert.deepEqual(
      files.filter(path => path.startsWith('/usr/lib/nova-ts/src/') && path.endsWith('.test.ts')),
      [],
    )
    assert.ok(!files.some(path => path.includes('/node_modules/typescript')))
  })

  test('has a unit per service that systemd understands', async () => {
    const services = executables.filter(name => units.includes(`${name}.service`))
    assert.equal(services.length, units.length)
    await machine.run('systemd-analyze', 'verify', ...units.map(name => `/lib/systemd/system/${name}`))
  })

  test('a service runs as nova by the nova.conf that comes with it, and ends at SIGTERM', async () => {
    machine.put(neighbours, 'etc/nova/nova.conf.d/neighbours.conf')
    const service = machine.start(...asNova, '/usr/bin/nova-conductor', '--log-dir=/var/log/nova')
    const log = () => machine.run('cat', '/var/log/nova/nova-conductor.log').catch(() => '')
    await waitFor('the conductor', async () => (await log()).includes('service started') || undefined, {
      deadlineMs: 60_000,
    })
    const ended = new Promise(resolve => service.once('exit', resolve))
    service.kill('SIGTERM')
    assert.equal(await ended, 0)
    assert.equal(await machine.run('stat', '-c', '%U', '/var/lib/nova/nova.sqlite'), 'nova\n')
  })

  test('is taken away, and leaves what is not its own', async () => {
    await machine.run('dpkg', '--purge', 'nova-ts')
    await machine.run('test', '-e', '/var/lib/nova/nova.sqlite')
    await machine.run('test', '!', '-e', '/usr/lib/nova-ts')
    await machine.run('test', '!', '-e', '/etc/nova/nova.conf')
  })
})
