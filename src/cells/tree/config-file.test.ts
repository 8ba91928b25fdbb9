import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CellNameInvalid, CellsConfigUnusable } from '../faults.ts'
import { fileNeighbours } from './config-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-cells-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'cells.json')
const write = (content: unknown) => writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))

test('a file in the place of the table, read anew when it has changed', async () => {
  const source = fileNeighbours(file)
  await assert.rejects(source.list(), CellsConfigUnusable.is)
  write({
    up: { name: 'api', is_parent: true, transport_url: 'rabbit://u:p@h/api' },
    far: { transport_url: 'rabbit://u:p@h/far', weight_offset: 3, weight_scale: 2 },
  })
  assert.deepEqual(await source.list(), [
    { name: 'api', isParent: true, transportUrl: 'rabbit://u:p@h/api', weightOffset: 0, weightScale: 1 },
    { name: 'far', isParent: false, transportUrl: 'rabbit://u:p@h/far', weightOffset: 3, weightScale: 2 },
  ])
  write({ east: { transport_url: 'unix:///run/east' } })
  assert.deepEqual(
    (await source.list()).map(({ name }) => name),
    ['east'],
  )
})

test('what is wrong in it is said by its place, without passwords', async () => {
  const refusal = async (content: unknown): Promise<string> => {
    write(content)
    const error = await fileNeighbours(file)
      .list()
      .catch((e: unknown) => e)
    assert.ok(CellsConfigUnusable.is(error) || CellNameInvalid.is(error))
    return error.message
  }
  assert.match(await refusal('{'), /cells\.json: /)
  assert.match(await refusal([]), /no JSON object/)
  assert.match(await refusal({ a: {} }), /a: it has no transport_url/)
  const secret = await refusal({ a: { transport_url: 'rabbit://u:secret@h', weight_offset: 'much' } })
  assert.match(secret, /a: weight_offset is no number/)
  assert.doesNotMatch(secret, /secret/)
  assert.match(await refusal({ 'a!b': { transport_url: 'rabbit://h' } }), /stands between names/)
})
