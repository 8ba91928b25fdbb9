import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileKeys } from './file.ts'
import { fixedKey, withFixedKey } from './fixed.ts'

test('secrets by name and by id, for their owner alone', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'nova-keys-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const folder = join(parent, 'keys')
  const keys = fileKeys(folder)
  const [first, again, other] = await Promise.all([
    keys.ensure('service', 'a', 32),
    keys.ensure('service', 'a', 32),
    keys.ensure('service', 'b', 16),
  ])
  assert.deepEqual(first, again)
  assert.match(Buffer.from(first.secret).toString(), /^[\w+/]{43}=$/)
  assert.notEqual(first.id, other.id)
  assert.deepEqual(await fileKeys(folder).get('service', first.id), first)
  assert.deepEqual(readdirSync(folder).sort(), [first.id, other.id].sort())
  assert.equal(statSync(join(folder, first.id)).mode & 0o777, 0o600)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  await keys.forget('service', 'a')
  await keys.forget('service', 'a')
  await assert.rejects(keys.get('service', first.id), { code: 'KeyNotFound' })
  await assert.rejects(keys.get('service', '../b'), { code: 'KeyNotFound' })
  assert.notDeepEqual(await keys.ensure('service', 'a', 32), first)
  const fixed = '00000000-0000-0000-0000-000000000000'
  assert.deepEqual(await keys.get('service', fixed), await fileKeys(folder).get('service', fixed))
  const secret = Buffer.from('00ff', 'hex')
  assert.deepEqual(await withFixedKey(fileKeys(folder), secret).get('service', fixed), { id: fixed, secret })
})

test('a key manager with one key gives that, and keeps no secrets', async () => {
  const keys = fixedKey(Buffer.from('00ff', 'hex'))
  const id = '00000000-0000-0000-0000-000000000000'
  assert.equal(Buffer.from((await keys.get('service', id)).secret).toString('hex'), '00ff')
  await assert.rejects(keys.get('service', '10000000-0000-0000-0000-000000000000'), { code: 'KeyNotFound' })
  await assert.rejects(keys.ensure('service', 'a', 32), /cannot store arbitrary keys/)
})
