import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitFor } from '#base'
import { startCloud } from './harness.ts'

const yaml = `
meta: { schema_version: '1.0' }
providers:
  - identification: { uuid: $COMPUTE_NODE }
    inventories:
      additional:
        - CUSTOM_LLC: { total: 8, reserved: 2 }
    traits:
      additional: [CUSTOM_ON_THE_SHELF]
`

test('what the operator adds to hosts by files is in placement', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-providers-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'shelf.yaml'), yaml)
  const cloud = await startCloud({ config: { compute: { provider_config_location: folder } } })
  t.after(() => cloud.close())
  const { placement, store } = cloud.deps
  const [node] = await store.computeNodes.list()
  assert.ok(node !== undefined)
  const isThere = async () => (await placement.traits(node.uuid)).includes('CUSTOM_ON_THE_SHELF') || undefined
  await waitFor('the report', isThere, { deadlineMs: 60_000 })
  const { CUSTOM_LLC: added } = await placement.inventories(node.uuid)
  assert.deepEqual([added?.total, added?.reserved, added?.maxUnit], [8, 2, 8])
})
