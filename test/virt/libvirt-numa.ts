import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { GuestNuma } from '#virt'
import { aConfigDrive, aGuestSpec, consoleShows } from '#virt/conformance'
import type { LibvirtBench } from './libvirt-bench.ts'

/** Tells the nodes that the guest's kernel has found. */
const tellNodes = `#!/bin/sh
for node in /sys/devices/system/node/node[0-9]*; do
  echo "numa \${node##*/} cpus $(cat $node/cpulist) kib $(awk '/MemTotal/ { print $4 }' $node/meminfo)"
done
echo numa end
`

/** CPUs that the threads of the guest's virtual CPUs may run on, in the order of the virtual CPUs. */
function affinities(pid: number): readonly string[] {
  const found = readdirSync(`/proc/${pid}/task`).flatMap(task => {
    const name = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim()
    const [, number] = /^CPU (\d+)\//.exec(name) ?? []
    if (number === undefined) return []
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
    return [[Number(number), /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? ''] as const]
  })
  return found.sort(([a], [b]) => a - b).map(([, cpus]) => cpus)
}

/** Nodes, pins and memory of one host node; a machine with one node is enough. */
export function libvirtNumaTests(bench: () => LibvirtBench): void {
  describe('NUMA', () => {
    test('PCI devices of the host, where guests may have some', async t => {
      const driver = await bench().open({ listsPciDevices: true })
      t.after(() => driver.close())
      const { pciFunctions = [] } = await driver.host.describe()
      const path = '/sys/bus/pci/devices'
      const known = existsSync(path) ? readdirSync(path) : []
      assert.deepEqual(pciFunctions.map(one => one.address).sort(), known.map(address => address.toLowerCase()).sort())
      for (const { address, vendorId } of pciFunctions)
        assert.equal(readFileSync(`${path}/${address}/vendor`, 'utf8').trim(), `0x${vendorId}`)
    })

    test('a guest with two nodes of its own sees both, and each of its CPUs stays where it is pinned', async () => {
      const { cells = [] } = await bench().driver.host.describe()
      const [cell] = cells
      assert.ok(cell !== undefined && cell.memoryMiB > 0 && cell.pages.some(pages => pages.sizeKiB === 4))
      const [first = 0, second = first] = cell.cpus
      const memoryMiB = Math.max(128, bench().memoryMiB)
      const node = (id: number, pin: number) => ({
        id,
        hostCell: cell.id,
        cpus: [id],
        memoryMiB: memoryMiB / 2,
        pageSizeKiB: null,
        pins: [[id, pin]] as const,
        reserved: [],
      })
      const numa: GuestNuma = {
        cells: [node(0, second), node(1, first)],
        cpuPolicy: 'dedicated',
        threadPolicy: null,
        emulatorPolicy: null,
        hostCells: [{ id: cell.id, sharedCpus: cell.cpus, smallestPageKiB: 4 }],
      }
      const drive = aConfigDrive('iso9660')
      const script = { path: 'openstack/latest/user_data', base64: Buffer.from(tellNodes).toString('base64') }
      const { flavor } = aGuestSpec(bench())
      const configDrive = { ...drive, files: [...drive.files, script] }
      const spec = aGuestSpec(bench(), { flavor: { ...flavor, vcpus: 2, memoryMiB }, numa, configDrive })
      const guest = bench().driver.guest(spec.id)
      await guest.spawn(spec)
      try {
        assert.deepEqual(affinities(bench().qemuOf(spec.id) ?? 0), [String(second), String(first)])
        const console = await consoleShows(bench(), spec.id, 'numa end')
        const nodes = [...console.matchAll(/numa (node\d) cpus (\S+) kib (\d+)/g)].map(([, name, cpus, kib]) => {
          // The kernel keeps some for itself, most of it on one node.
          assert.ok(Number(kib) > memoryMiB * 128 && Number(kib) <= memoryMiB * 512, `${name} has ${kib} KiB`)
          return [name, cpus]
        })
        assert.deepEqual(nodes, [
          ['node0', '0'],
          ['node1', '1'],
        ])
      } finally {
        await guest.destroy()
      }
      assert.deepEqual(await bench().leftovers(spec.id), [])
    })
  })
}
