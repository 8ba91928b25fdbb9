import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dhcpBridge, stateVariable } from './dhcp-bridge.ts'

const directory = mkdtempSync(join(tmpdir(), 'nova-dhcpbridge-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const env = { NETWORK_ID: 'n1', [stateVariable]: directory }

const call = (argv: readonly string[], given: Record<string, string> = env): [number, string] => {
  const written: string[] = []
  const code = dhcpBridge(argv, given, { write: text => written.push(text) })
  return [code, written.join('')]
}

test('init prints the leases of its network', () => {
  assert.deepEqual(call(['init']), [0, ''])
  mkdirSync(join(directory, 'n1'))
  writeFileSync(join(directory, 'n1', 'leases'), '1 fa:16:3e:00:00:01 10.0.0.5 web *\n')
  assert.deepEqual(call(['init']), [0, '1 fa:16:3e:00:00:01 10.0.0.5 web *\n'])
})

test('news lie in the spool in the order they came', () => {
  assert.deepEqual(call(['add', 'fa:16:3e:00:00:01', '10.0.0.5', 'web']), [0, ''])
  assert.deepEqual(call(['del', 'fa:16:3e:00:00:01', '10.0.0.5']), [0, ''])
  const files = readdirSync(join(directory, 'spool')).sort()
  const actions = files.map(
    file => (JSON.parse(readFileSync(join(directory, 'spool', file), 'utf8')) as { action: string }).action,
  )
  assert.deepEqual(actions, ['add', 'del'])
})

test('without a network, or with one that is no id, it refuses', () => {
  assert.deepEqual(call(['init'], { [stateVariable]: directory }), [1, ''])
  assert.deepEqual(call(['init'], { ...env, NETWORK_ID: '../n1' }), [1, ''])
})
