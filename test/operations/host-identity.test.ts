import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newUuid } from '#base'
import { ComputeNodeChanged, carryIn } from '../../src/conductor/reconcilers/host-report.ts'
import { smallCloud } from './world.ts'

test('a host that comes with another id is told what it has lost, and nothing is changed', async () => {
  const cloud = await smallCloud(['one'])
  const known = await cloud.store.computeNodes.find({ host: 'one' })
  if (known === undefined) throw new Error('the host is not known')
  const report = {
    host: 'one',
    nodeId: newUuid(),
    description: { ...known.description, extraInventories: {} },
    ratios: { cpu: known.cpuAllocationRatio, ram: known.ramAllocationRatio, disk: known.diskAllocationRatio },
    reserved: known.reserved,
  }
  const isExplained = (error: unknown) =>
    ComputeNodeChanged.is(error) && error.message.includes(known.uuid) && error.message.includes('compute_id')
  await assert.rejects(carryIn(cloud.conductor, report), isExplained)
  assert.deepEqual(await cloud.store.computeNodes.list(), [known])
  assert.equal(await cloud.placement.port.provider(report.nodeId), undefined)
  await carryIn(cloud.conductor, { ...report, nodeId: known.uuid })
  await cloud.close()
})
