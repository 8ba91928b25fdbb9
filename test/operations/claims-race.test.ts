import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { newUuid } from '#base'
import { hostTopology } from '#model'
import { openStore } from '#store'
import { evenCells, simulatedFunction } from '#virt/fake'
import { databaseAt } from '../database/index.ts'

const description = {
  hypervisorHostname: 'host',
  hypervisorType: 'fake',
  hypervisorVersion: 1,
  vcpus: 16,
  memoryMiB: 8192,
  memoryUsedMiB: 0,
  localDiskGiB: 100,
  localDiskUsedGiB: 0,
  localDiskFreeGiB: 100,
  cpuInfo: {},
  supportedInstances: [],
  traits: [],
  hostIp: '127.0.0.1',
  uptime: null,
  numaTopology: hostTopology(evenCells({ cells: 2, cpus: 16, threadsPerCore: 2, memoryMiB: 8192, pages: [] }), {
    shared: null,
    dedicated: null,
    reservedPages: [],
    physnets: {},
    tunnels: [],
    packsCells: false,
  }),
}

const program = join(import.meta.dirname, 'claims-process.ts')
const run = promisify(execFile)

test('several processes that claim and let go at once: no CPU and no device is ever given twice', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-claims-'))
  const url = await databaseAt(folder, 'nova')
  const first = await openStore(url)
  t.after(async () => {
    await first.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const nodeId = newUuid()
  const ratios = { cpuAllocationRatio: 1, ramAllocationRatio: 1, diskAllocationRatio: 1 }
  await first.computeNodes.save({ uuid: nodeId, host: 'host', description, ...ratios }, 1)
  const gpus = Array.from({ length: 6 }, (_, i) => ({
    ...simulatedFunction(JSON.stringify({ address: `0000:0${i}:00.0`, vendor_id: '10de', numa_node: i % 2 })),
    tags: {},
  }))
  await first.pciDevices.report(nodeId, gpus)

  const process = async (what: 'claim' | 'release', ids: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await run(globalThis.process.execPath, [program, url, nodeId, what, ...ids])
    return JSON.parse(stdout) as string[]
  }
  /** What is held now, and none of it twice. */
  const held = async (): Promise<number> => {
    const claims = await first.hostClaims.all()
    const cpus = claims.flatMap(({ numa }) => numa?.cells.flatMap(cell => cell.pins.map(([, cpu]) => cpu)) ?? [])
    assert.equal(new Set(cpus).size, cpus.length)
    assert.equal(cpus.length, claims.length * 2)
    const devices = (await first.pciDevices.on(nodeId)).filter(device => device.consumerId !== null)
    assert.deepEqual(devices.map(device => device.consumerId).sort(), claims.map(one => one.consumerId).sort())
    return claims.length
  }
  const newIds = () => Array.from({ length: 4 }, () => newUuid())
  const crowd = async () => (await Promise.all([1, 2, 3].map(() => process('claim', newIds())))).flat()

  const winners = await crowd()
  assert.equal(winners.length, 6)
  assert.equal(await held(), 6)
  const [, later] = await Promise.all([process('release', winners.slice(0, 4)), crowd()])
  assert.ok(later.length <= 4)
  assert.equal(await held(), 2 + later.length)
  await process('claim', newIds())
  assert.equal(await held(), 6)
})
