import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromJson } from '#base'
import { offsetOf } from '../offsets.ts'

/** A taste of `npm run test:tempest`: Tempest as Debian packages it, unmodified, against simulated hosts. */

const program = join(import.meta.dirname, '../../tools/clients/run.ts')
const taste = [
  'compute\\.flavors\\.',
  'compute\\.keypairs\\.test_keypairs\\.',
  'compute\\.servers\\.test_servers\\.ServersTestJSON\\.',
  'compute\\.servers\\.test_create_server\\.ServersTestJSON\\.',
]

interface Judgement {
  readonly passed: number
  readonly broken: readonly { test: string; reason: string }[]
}

async function tempest(regex: string): Promise<{ code: number | null; judgements: readonly Judgement[] }> {
  const flags = ['test:tempest', '--json', '--offset', String(offsetOf('clients/smoke')), '--regex', regex]
  const run = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  run.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const code = await new Promise<number | null>(resolve => run.once('close', resolve))
  return { code, judgements: fromJson<Judgement[]>(text) }
}

// Aggregates are left to the whole run: Tempest takes a host without servers, which another of its workers may fill first.
test('Tempest: servers, flavors, key pairs', async () => {
  const { code, judgements } = await tempest(taste.join('|'))
  assert.deepEqual(judgements[0]?.broken, [])
  assert.ok((judgements[0]?.passed ?? 0) > 20)
  assert.equal(code, 0)
})
