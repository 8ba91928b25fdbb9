import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { waitFor } from '#base'
import { launcher, runLauncher, services } from './processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-bin-'))
after(() => rmSync(folder, { recursive: true }))

const { version, bin } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
  bin: Record<string, string>
}

let files = 0
/** Runs a service on a nova.conf of these lines; it is expected to end by itself. */
function onConfig(name: string, ...lines: readonly string[]) {
  const file = join(folder, `nova-${++files}.conf`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return runLauncher(name, ['--config-file', file])
}
const bus = `transport_url = unix://${join(folder, 'bus')}`
const database = `[database]\nconnection = sqlite:///${join(folder, 'nova.sqlite')}`
const account = (section: string) =>
  `[${section}]\nauth_url = http://127.0.0.1:1/v3\nusername = nova\npassword = x\nproject_name = service`

test('package.json names every launcher', () => {
  for (const name of [...services, 'nova-allinone', 'nova-dhcpbridge', 'nova-manage', 'nova-policy', 'nova-status']) {
    assert.equal(bin[name], `bin/${name}`)
    assert.ok(readFileSync(launcher(name), 'utf8').startsWith('#!/bin/sh\n'))
  }
})

for (const name of services) {
  test(`${name}: --version, --help, wrong options`, async () => {
    const [shown, help, wrong, word] = await Promise.all([
      runLauncher(name, ['--version']),
      runLauncher(name, ['-h']),
      runLauncher(name, ['--no-such-option']),
      runLauncher(name, ['start']),
    ])
    assert.deepEqual(shown, { code: 0, stdout: `${version}\n`, stderr: '' })
    assert.equal(help.code, 0)
    assert.match(help.stdout, new RegExp(`Usage: ${name} `))
    assert.deepEqual([wrong.code, word.code], [2, 2])
    assert.match(wrong.stderr, /unknown option '--no-such-option'\n\nUsage: /)
    assert.equal(wrong.stdout, '')
  })
}

test('what is wrong in nova.conf is one line and exit 1', async () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ['nova-conductor', ['[DEFAULT]', bus], /^nova-conductor: \[database\] connection is not set in nova\.conf\.\n$/],
    ['nova-conductor', ['[DEFAULT]', bus, database], /\[placement\] auth_url is not set/],
    [
      'nova-scheduler',
      ['[DEFAULT]', 'transport_url = kafka://u:secret@h'],
      /^nova-scheduler: Invalid transport_url scheme 'kafka'\./,
    ],
    ['nova-compute', ['[DEFAULT]', bus], /Compute driver option required, but not specified\n$/],
    ['nova-compute', ['[DEFAULT]', bus, 'compute_driver = xen.Driver'], /Unable to load the virtualization driver xen/],
    ['nova-api', ['[DEFAULT]', bus, 'enabled_apis = ec2'], /No APIs were started/],
    [
      'nova-api-metadata',
      ['[DEFAULT]', bus, '[database]', 'max_retries = 1', 'connection = mysql+pymysql://nova:secret@127.0.0.1:1/nova'],
      /The database cannot be opened: mysql:\/\/127\.0\.0\.1:1\/nova does not answer\n$/,
    ],
    [
      'nova-conductor',
      ['[DEFAULT]', bus, '[database]', 'connection = postgresql://nova:secret@db/nova'],
      /'postgresql' is neither sqlite nor mysql nor mariadb/,
    ],
    ['nova-api-os-compute', ['[DEFAULT]', bus, 'report_interval = soon'], /nova-\d+\.conf:3: .*report_interval/],
    [
      'nova-scheduler',
      ['[DEFAULT]', bus, database, account('placement'), 'auth_type = kerberos'],
      /auth_type kerberos is not supported/,
    ],
  ]
  for (const [name, lines, words] of cases) {
    const { code, stderr } = await onConfig(name, ...lines)
    // Remarks in the log come first; the last line is the reason.
    const reason = stderr.split('\n').filter(line => line !== '' && !line.startsWith('{'))
    assert.match(`${reason.join('\n')}\n`, words)
    assert.equal(code, 1, stderr)
    assert.doesNotMatch(stderr, /secret|at .*\.ts/)
  }
})

test('a configuration file that is not there is said by name', async () => {
  const { code, stderr } = await runLauncher('nova-conductor', ['--config-file', join(folder, 'absent.conf')])
  assert.equal(code, 1)
  assert.match(stderr, /absent\.conf/)
})

test('SIGTERM ends a service that still waits for others', async () => {
  const file = join(folder, 'waiting.conf')
  const lines = ['[DEFAULT]', bus, 'compute_driver = fake.FakeDriver', 'host = lonely', `state_path = ${folder}`]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn(launcher('nova-compute'), ['--config-file', file], { stdio: 'inherit' })
  const exited = once(child, 'exit')
  await waitFor('the host to get its id', () => existsSync(join(folder, 'compute_id')) || undefined, {
    deadlineMs: 60_000,
  })
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('what a service compiled at its first start is kept while it runs, so that its end need not wait for that', async () => {
  const file = join(folder, 'compiled.conf')
  writeFileSync(file, `[DEFAULT]\n${bus}\n${database}\n${account('keystone_authtoken')}\n`)
  const compiled = join(folder, 'compiled')
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled }
  const child = spawn(launcher('nova-conductor'), ['--config-file', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
  const exited = once(child, 'exit')
  const kept = () => (existsSync(compiled) ? readdirSync(compiled, { recursive: true }).length : 0)
  await waitFor('compiled code', () => (kept() > 100 ? true : undefined), { deadlineMs: 60_000 })
  assert.equal(child.exitCode, null)
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

test('nova-dhcpbridge tells dnsmasq the leases it knows, and needs to know its network', async () => {
  const network = '11111111-2222-3333-4444-555555555555'
  mkdirSync(join(folder, network))
  writeFileSync(join(folder, network, 'leases'), '0 fa:16:3e:00:00:01 10.0.0.5 vm *\n')
  const env = { NOVA_DHCPBRIDGE_DIR: folder, NETWORK_ID: network }
  const told = await runLauncher('nova-dhcpbridge', ['init'], env)
  assert.deepEqual(told, { code: 0, stdout: '0 fa:16:3e:00:00:01 10.0.0.5 vm *\n', stderr: '' })
  assert.equal((await runLauncher('nova-dhcpbridge', ['init'], { NOVA_DHCPBRIDGE_DIR: folder })).code, 1)
})
