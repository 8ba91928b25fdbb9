import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { installPackages, lineForRoot, statusOf } from '../../tools/setup/apt.mjs'
import { createProgress } from '../../tools/setup/progress.mjs'
import { holdServices, releaseServices } from '../../tools/setup/service-policy.mjs'
import { recorder, scratchMachine, waitUntil } from './fixtures.mjs'

const known = 'for p in "$@"; do [ "$p" = policy ] || printf "%s:\\n  Candidate: 1.0\\n" "$p"; done'
const unknown = 'exit 0'
/** Unknown until `apt-get update` ran. */
const knownAfterUpdate = `[ -e updated ] || exit 0\n${known}`
const logged = 'echo "$1 mark=$NOVA_SETUP_INSTALL policy=$(test -x root/usr/sbin/policy-rc.d && echo yes)" >> log'

function context(machine, options = {}) {
  const { out, text } = recorder()
  const { signal } = options
  return {
    env: machine.env,
    root: machine.root,
    progress: createProgress(out),
    text,
    lockPollMs: 5,
    lockWaitMs: 2000,
    signal: signal ?? new AbortController().signal,
  }
}

test('reads apt status lines', () => {
  assert.deepEqual(statusOf('dlstatus:1:50.0:Retrieving file 1 of 2'), {
    percent: 25,
    detail: 'Retrieving file 1 of 2',
  })
  assert.deepEqual(statusOf('pmstatus:libc6:amd64:40.0:Unpacking libc6 (amd64)'), {
    percent: 70,
    detail: 'Unpacking libc6 (amd64)',
  })
  assert.equal(statusOf('media-change: x'), undefined)
})

test('installs with services held back, and shows how far it is', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    'apt-get': `${logged}\necho "pmstatus:a:60.0:Unpacking a" >&3\nsleep 0.1`,
  })
  const ctx = context(machine)
  await installPackages(ctx, ['a', 'b'])
  assert.deepEqual(machine.lines('log'), ['install mark=1 policy=yes'])
  assert.match(
    ctx.text(),
    /^Installing 2 Debian packages \.\.\.\nInstalling 2 Debian packages: 80%\n.*: done in \d+ s\n$/,
  )
  assert.equal(existsSync(machine.policy), false)
})

test('reads the package index only when it does not know a package', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': knownAfterUpdate,
    'apt-get': `${logged}\n[ "$1" = update ] && touch updated; exit 0`,
  })
  await installPackages(context(machine), ['a'])
  assert.deepEqual(
    machine.lines('log').map(line => line.split(' ')[0]),
    ['update', 'install'],
  )
})

test('reads the index again when the files it names are gone from the server', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    'apt-get': `${logged}\n[ "$1" = update ] && touch updated\n[ -e updated ] && exit 0\necho "E: 404  Not Found" >&2; exit 100`,
  })
  await installPackages(context(machine), ['a'])
  assert.deepEqual(
    machine.lines('log').map(line => line.split(' ')[0]),
    ['install', 'update', 'install'],
  )
})

test('waits for another apt and says so once', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    'apt-get': `${logged}
[ $(wc -l < log) -ge 4 ] && exit 0
echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (unattended-upgr)" >&2; exit 100`,
  })
  const ctx = context(machine)
  await installPackages(ctx, ['a'])
  assert.equal(machine.lines('log').length, 4)
  assert.equal(ctx.text().match(/process 77 \(unattended-upgr\), is using apt: waiting/g)?.length, 1)
})

test('finishes an installation that a crash interrupted', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    dpkg: `${logged}\ntouch configured`,
    'apt-get': `${logged}
[ -e configured ] && exit 0
echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2; exit 100`,
  })
  await installPackages(context(machine), ['a'])
  assert.deepEqual(
    machine.lines('log').map(line => line.split(' ')[0]),
    ['install', '--configure', 'install'],
  )
})

test('offline: one clear line, services released', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': unknown,
    'apt-get':
      'echo "W: Failed to fetch http://mirror.example/x  Temporary failure resolving mirror.example" >&2; exit 0',
  })
  await assert.rejects(installPackages(context(machine), ['a']), fault => {
    assert.match(fault.message, /^The Debian package server cannot be reached.*: a\. Check the network/)
    assert.match(fault.details, /Temporary failure resolving/)
    return true
  })
  assert.equal(existsSync(machine.policy), false)
})

test('a package that no source offers is named', async t => {
  const machine = scratchMachine(t, { 'apt-cache': unknown, 'apt-get': 'exit 0' })
  await assert.rejects(installPackages(context(machine), ['no-such']), /do not offer: no-such/)
})

test('any other failure shows what apt said', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    'apt-get': 'echo noise; echo "E: You don\'t have enough free space in /var/cache/apt/archives/." >&2; exit 100',
  })
  await assert.rejects(installPackages(context(machine), ['a']), fault => {
    assert.equal(fault.message, 'apt-get could not install: a')
    assert.match(fault.details, /^E: You don't have enough free space/)
    return true
  })
})

test('Ctrl-C stops apt-get and releases the services', async t => {
  const machine = scratchMachine(t, {
    'apt-cache': known,
    'apt-get': "trap 'echo stopped >> log; exit 100' INT\necho up >> log\nwhile :; do sleep 0.05; done",
  })
  const stopping = new AbortController()
  const installing = installPackages(context(machine, { signal: stopping.signal }), ['a'])
  const refused = assert.rejects(installing, { message: 'stopped by SIGINT', exitCode: 130 })
  await waitUntil('apt-get', () => machine.lines('log').length > 0)
  stopping.abort('SIGINT')
  await refused
  assert.deepEqual(machine.lines('log'), ['up', 'stopped'])
  assert.equal(existsSync(machine.policy), false)
})

test('a policy of the machine is put back, also after a crash in between', t => {
  const machine = scratchMachine(t)
  writeFileSync(machine.policy, '#!/bin/sh\nexit 7\n')
  chmodSync(machine.policy, 0o755)
  holdServices(machine.root)
  holdServices(machine.root)
  assert.match(readFileSync(machine.policy, 'utf8'), /nova-ts/)
  releaseServices(machine.root)
  assert.equal(readFileSync(machine.policy, 'utf8'), '#!/bin/sh\nexit 7\n')
  releaseServices(machine.root)
  assert.equal(readFileSync(machine.policy, 'utf8'), '#!/bin/sh\nexit 7\n')
})

test('a policy that a crash left behind refuses our installations only', async t => {
  const { spawnSync } = await import('node:child_process')
  const machine = scratchMachine(t)
  const ask = env => spawnSync('sh', [machine.policy, 'x', 'start'], { env: { PATH: process.env.PATH, ...env } }).status
  holdServices(machine.root)
  assert.equal(ask({}), 0)
  assert.equal(ask({ NOVA_SETUP_INSTALL: '1' }), 101)
  releaseServices(machine.root)
  writeFileSync(machine.policy, '#!/bin/sh\nexit 7\n')
  chmodSync(machine.policy, 0o755)
  holdServices(machine.root)
  assert.equal(ask({}), 7)
  assert.equal(ask({ NOVA_SETUP_INSTALL: '1' }), 101)
})

test('without root rights there is one line to run', () => {
  assert.equal(
    lineForRoot(['a', 'b'], true),
    "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends a b'",
  )
  assert.match(lineForRoot(['a'], false), /^su -c 'apt-get update/)
})
