import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withLock } from '../../tools/setup/lock.mjs'
import { installModules, modulesAreFresh, npmCommand, outerPath } from '../../tools/setup/modules.mjs'
import { createProgress } from '../../tools/setup/progress.mjs'
import { recorder, scratchMachine } from './fixtures.mjs'

const lockText = version =>
  JSON.stringify({
    packages: {
      '': { version: '0' },
      'node_modules/a': { version },
      'node_modules/other-platform': { version: '1', optional: true },
    },
  })

function checkout(t, npm) {
  const machine = scratchMachine(t, { npm })
  writeFileSync(join(machine.folder, 'package-lock.json'), lockText('1.0.0'))
  const { npm_execpath: _script, npm_node_execpath: _node, ...env } = machine.env
  const { out, text } = recorder()
  const context = { root: machine.folder, env, progress: createProgress(out), signal: new AbortController().signal }
  return { machine, context, text }
}

const npmThatInstalls = `echo "$@" >> log
[ "$1" = --version ] && exit 0
mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json`

test('npm ci runs once, and again when the lock file changed', async t => {
  const { machine, context } = checkout(t, npmThatInstalls)
  assert.equal(modulesAreFresh(machine.folder), false)
  await installModules(context)
  assert.equal(modulesAreFresh(machine.folder), true)
  writeFileSync(join(machine.folder, 'package-lock.json'), lockText('1.0.1'))
  assert.equal(modulesAreFresh(machine.folder), false)
  await installModules(context)
  assert.equal(modulesAreFresh(machine.folder), true)
  assert.equal(machine.lines('log').filter(line => line.startsWith('ci ')).length, 2)
})

test('an npm ci by hand counts when it installed what the lock file asks for', t => {
  const { machine } = checkout(t, 'exit 1')
  mkdirSync(join(machine.folder, 'node_modules'))
  const installed = version => JSON.stringify({ packages: { 'node_modules/a': { version } } })
  writeFileSync(join(machine.folder, 'node_modules/.package-lock.json'), installed('0.9.0'))
  assert.equal(modulesAreFresh(machine.folder), false)
  writeFileSync(join(machine.folder, 'node_modules/.package-lock.json'), installed('1.0.0'))
  assert.equal(modulesAreFresh(machine.folder), true)
})

test('a failing npm ci shows what npm said; the next start tries again', async t => {
  const { machine, context } = checkout(
    t,
    '[ "$1" = --version ] && exit 0; echo "npm error code EINTEGRITY" >&2; exit 1',
  )
  await assert.rejects(installModules(context), fault => {
    assert.match(fault.message, /^npm ci failed/)
    assert.match(fault.details, /EINTEGRITY/)
    return true
  })
  assert.equal(modulesAreFresh(machine.folder), false)
})

test('offline is said in one line', async t => {
  const { context } = checkout(t, '[ "$1" = --version ] && exit 0; echo "npm error code ENOTFOUND" >&2; exit 1')
  await assert.rejects(installModules(context), /^SetupFault: The npm registry cannot be reached/)
})

test('without npm there is a clear line', async t => {
  const { context } = checkout(t, 'exit 127')
  await assert.rejects(installModules(context), /npm is not installed/)
})

test('npm runs on the Node.js of the machine, not on the one it replaces', () => {
  assert.equal(outerPath({ PATH: '/x/node_modules/.bin:/usr/bin' }), '/usr/bin')
  const env = { npm_execpath: import.meta.filename?.replace(/mjs$/, 'js') ?? 'x', npm_node_execpath: process.execPath }
  assert.deepEqual(npmCommand(env), ['npm', []])
})

test('a second set-up waits for the first; a dead holder does not count', async t => {
  const machine = scratchMachine(t)
  const path = join(machine.folder, 'lock')
  const { out, text } = recorder()
  const context = { progress: createProgress(out), signal: new AbortController().signal, pollMs: 5 }
  // Process 1 lives as long as the machine; the largest process number is never given out.
  writeFileSync(path, '1\n')
  const waiting = withLock(path, context, async () => 'mine')
  await new Promise(resolve => setImmediate(resolve))
  assert.match(text(), /Another set-up is running \(process 1\)/)
  rmSync(path)
  assert.equal(await waiting, 'mine')
  writeFileSync(path, '4194304\n')
  assert.equal(await withLock(path, context, async () => 'again'), 'again')
})
