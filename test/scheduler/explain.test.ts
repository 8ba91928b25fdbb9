import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fromJson, waitFor } from '#base'
import type { DecisionRecord } from '#model'
import { type ApiCloud, startCloud } from '../api/harness.ts'
import { runLauncher } from '../bin/processes.ts'

describe('nova-manage scheduler', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-explain-'))
  let cloud: ApiCloud
  before(async () => {
    cloud = await startCloud({ hosts: ['host-1', 'host-2', 'host-3'], databases: folder, quotas: { ram: -1 } })
  })
  after(async () => {
    await cloud.close()
    rmSync(folder, { recursive: true })
  })

  const manage = (...args: readonly string[]) => runLauncher('nova-manage', ['--state', folder, 'scheduler', ...args])
  const recorded = (about: { requestId: string } | { instanceId: string }) =>
    waitFor('the decision to be written down', async () => (await cloud.store.decisions.find(about, 1))[0], {
      deadlineMs: 60_000,
    })

  test('a placed server: what was asked, who weighed what, where it went', async () => {
    const id = await cloud.bootServer()
    await recorded({ instanceId: id })
    const shown = await manage('explain', id)
    assert.equal(shown.stderr, '')
    assert.equal(shown.code, 0)
    assert.match(shown.stdout, /^req-[0-9a-f-]{36}, .* placed$/m)
    assert.match(shown.stdout, /^Asked for {3}1 server of flavor .*: 1 vCPU, 128 MiB memory, 1 GiB root$/m)
    assert.match(shown.stdout, /^Placement {3}.*resources=/m)
    assert.match(shown.stdout, /^Filter {6}compute_status_filter: /m)
    assert.match(
      shown.stdout,
      new RegExp(`^${id} -> host-\\d \\(zone nova\\), best of 3 hosts, spare hosts host-\\d, host-\\d$`, 'm'),
    )
    assert.match(shown.stdout, /│ Host +│ Weight +│.* RAM/)
    const [record] = fromJson<DecisionRecord[]>((await manage('explain', id, '--json')).stdout)
    const [placed] = record?.placed ?? []
    assert.equal(placed?.host, (await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host'])
    assert.equal(placed?.best.length, 3)
    // The request of the record is the user's own.
    const byRequest = await manage('explain', record?.requestId ?? '')
    assert.equal(byRequest.stdout, shown.stdout)
  })

  test('a refused one: every host with its reason', async () => {
    const flavorId = await cloud.newFlavor({ name: 'vast', ram: 70_000, vcpus: 1, disk: 1 })
    const body = { server: { name: 'big', flavorRef: flavorId, imageRef: cloud.imageId, networks: 'none' } }
    const reply = await cloud.request('POST', '/servers', { version: '2.37', body, as: cloud.admin })
    const { id } = reply.expect(202).body.server
    const requestId = reply.headers.get('x-openstack-request-id') ?? ''
    await cloud.waitForStatus(id, 'ERROR').catch(() => undefined)
    const record = await recorded({ requestId })
    assert.deepEqual(record.instanceIds, [id])
    assert.equal(record.isPlaced, false)
    const shown = await manage('explain', requestId)
    assert.equal(shown.code, 0)
    assert.match(shown.stdout, /not placed\. There are not enough hosts available\. /)
    assert.match(shown.stdout, /Placement +│ MEMORY_MB: 70000 needed, 65024 free of 65536 .*│ host-2, host-3 /)
  })

  test('nobody knows the request: exit 2 and where records end', async () => {
    const shown = await manage('explain', 'req-00000000-0000-4000-8000-000000000000')
    assert.equal(shown.code, 2)
    assert.match(shown.stdout, /^No decision is on record for req-0+-.*decision_record_max_age/)
    assert.equal((await manage('explain')).code, 2)
  })

  test('a dry run says where servers would go, and takes nothing', async () => {
    const id = await cloud.bootServer()
    const before = await cloud.placement.port.consumer(id)
    const usage = async () => JSON.stringify([...(await cloud.store.computeNodes.usage()).values()])
    const used = await usage()
    const three = await manage('dry-run', '--like', id, '--count', '3', '--json')
    assert.equal(three.stderr, '')
    assert.equal(three.code, 0)
    assert.equal(fromJson<DecisionRecord>(three.stdout).placed.length, 3)
    const there = await manage('dry-run', '--flavor', cloud.flavorId, '--host', 'host-2')
    assert.match(there.stdout, /-> host-2 \(zone nova\), best of 1 host$/m)
    const tooMany = await manage('dry-run', '--flavor', 'vast', '--availability-zone', 'nova')
    assert.equal(tooMany.code, 1)
    assert.match(tooMany.stdout, /not placed/)
    assert.equal(await usage(), used)
    assert.deepEqual(await cloud.placement.port.consumer(id), before)
    assert.equal(
      (await cloud.store.decisions.find({ instanceId: '00000000-0000-4000-8000-000000000000' }, 1)).length,
      0,
    )
  })

  test('what is wrong is said in one line', async () => {
    const noFlavor = await manage('dry-run')
    assert.deepEqual([noFlavor.code, noFlavor.stdout], [1, ''])
    assert.match(noFlavor.stderr, /^nova-manage: Name a flavor with --flavor/)
    const noCloud = await runLauncher('nova-manage', ['--state', '/nonexistent', 'scheduler', 'explain', 'x'])
    assert.deepEqual([noCloud.code, noCloud.stdout], [1, ''])
    assert.match(noCloud.stderr, /^nova-manage: \/nonexistent is not the state folder of a cloud/)
    assert.equal((await manage('dry-run', '--flavor', 'no-such-flavor')).code, 1)
    assert.equal((await manage('dry-run', '--count', '0')).code, 2)
  })

  test('old records go, their servers with them', async () => {
    const id = await cloud.bootServer()
    const { atMs } = await recorded({ instanceId: id })
    await cloud.store.transaction(tx => tx.decisions.prune(atMs))
    assert.equal((await cloud.store.decisions.find({ instanceId: id }, 5)).length, 1)
    await cloud.store.transaction(tx => tx.decisions.prune(atMs + 1))
    assert.equal((await cloud.store.decisions.find({ instanceId: id }, 5)).length, 0)
  })
})
