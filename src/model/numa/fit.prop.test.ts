import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fitOnHost } from './fit.ts'
import { type FittedTopology, type HostCell, type HostTopology, numaUsage } from './host-topology.ts'
import type { NumaTopology } from './topology.ts'

const ratios = { cpuRatio: 2, ramRatio: 1.5 }

/** A host of even cells: half of each cell's cores for guests that share, half for those that pin. */
const hosts = fc
  .record({
    cells: fc.integer({ min: 1, max: 4 }),
    cores: fc.integer({ min: 2, max: 6 }),
    threads: fc.constantFrom(1, 2),
    large: fc.integer({ min: 0, max: 64 }),
  })
  .map(({ cells, cores, threads, large }): HostTopology => {
    const cellOf = (id: number): HostCell => {
      const first = id * cores * threads
      const siblings = Array.from({ length: cores }, (_, core) =>
        Array.from({ length: threads }, (_, thread) => first + core + thread * cores),
      )
      const half = Math.floor(cores / 2)
      return {
        id,
        memoryMiB: 1024,
        sharedCpus: siblings.slice(0, half).flat(),
        dedicatedCpus: siblings.slice(half).flat(),
        siblings,
        pages: [
          { sizeKiB: 4, total: (1024 - large * 2) * 256, reserved: 0 },
          { sizeKiB: 2048, total: large, reserved: Math.min(2, large) },
        ],
        socket: id,
      }
    }
    return { cells: Array.from({ length: cells }, (_, id) => cellOf(id)) }
  })

const guests = fc
  .record({
    cells: fc.integer({ min: 1, max: 3 }),
    cpus: fc.integer({ min: 1, max: 4 }),
    memory: fc.constantFrom(2, 4, 16, 64, 512),
    policy: fc.constantFrom('dedicated', 'shared', 'mixed', null),
    threads: fc.constantFrom('prefer', 'isolate', 'require', null),
    emulator: fc.constantFrom('isolate', 'share', null),
    pages: fc.constantFrom(undefined, -1, -2, -3, 4, 2048, 1_048_576),
  })
  .map(({ cells, cpus, memory, policy, threads, emulator, pages }): NumaTopology => {
    const pinnedOf = (all: number[]) => (policy === 'dedicated' ? all : policy === 'mixed' ? all.slice(0, 1) : [])
    return {
      cells: Array.from({ length: cells }, (_, id) => {
        const all = Array.from({ length: cpus }, (_, cpu) => id * cpus + cpu)
        return { id, cpus: all, pinned: pinnedOf(all), memoryMiB: memory }
      }),
      pageSizeKiB: pages,
      cpuPolicy: policy,
      threadPolicy: policy === 'dedicated' || policy === 'mixed' ? threads : null,
      emulatorPolicy: policy === 'dedicated' ? emulator : null,
    }
  })

const ownCpus = (fitted: FittedTopology): readonly number[] =>
  fitted.cells.flatMap(cell => [...cell.pins.map(([, cpu]) => cpu), ...cell.reserved])

/** Fills the host as far as it goes. */
function fill(host: HostTopology, wishes: readonly NumaTopology[]): readonly FittedTopology[] {
  const placed: FittedTopology[] = []
  for (const topology of wishes) {
    const fit = fitOnHost(host, numaUsage(host, placed), { topology, limits: ratios })
    if (fit.ok) placed.push(fit.fitted)
    else assert.match(fit.reason, /\S/)
  }
  return placed
}

const run = (property: (host: HostTopology, wishes: readonly NumaTopology[]) => void) =>
  fc.assert(fc.property(hosts, fc.array(guests, { minLength: 1, maxLength: 12 }), property), { numRuns: 300 })

test('no host CPU is ever two guests own, nor one of no use to guests', () => {
  run((host, wishes) => {
    const own = fill(host, wishes).flatMap(ownCpus)
    assert.equal(new Set(own).size, own.length)
    const dedicated = new Set(host.cells.flatMap(cell => cell.dedicatedCpus))
    assert.ok(own.every(cpu => dedicated.has(cpu)))
  })
})

test('each guest cell has a host cell of its own, and its pins are there', () => {
  run((host, wishes) => {
    for (const { cells } of fill(host, wishes)) {
      assert.equal(new Set(cells.map(cell => cell.hostCell)).size, cells.length)
      for (const cell of cells) {
        const there = new Set(host.cells.find(({ id }) => id === cell.hostCell)?.dedicatedCpus)
        assert.ok(cell.pins.every(([guest, cpu]) => cell.cpus.includes(guest) && there.has(cpu)))
      }
    }
  })
})

test('pages are never promised twice, shared CPUs and memory never beyond the ratios', () => {
  run((host, wishes) => {
    const placed = fill(host, wishes)
    const usage = numaUsage(host, placed)
    for (const cell of host.cells) {
      const used = usage.get(cell.id)
      assert.ok(used !== undefined)
      assert.ok(used.sharedCpus <= cell.sharedCpus.length * ratios.cpuRatio)
      for (const { sizeKiB, total, reserved } of cell.pages) {
        const asked = placed.flatMap(guest => guest.cells).filter(one => one.hostCell === cell.id)
        const named = asked.filter(one => one.pageSizeKiB === sizeKiB)
        const pages = named.reduce((sum, one) => sum + (one.memoryMiB * 1024) / sizeKiB, 0)
        assert.ok(pages <= total - reserved, `${pages} pages of ${sizeKiB} KiB of ${total} - ${reserved}`)
      }
    }
  })
})

test('isolate leaves the siblings of its CPUs idle, require uses siblings', () => {
  run((host, wishes) => {
    const placed = fill(host, wishes)
    const coreOf = new Map(host.cells.flatMap(cell => cell.siblings).flatMap(core => core.map(cpu => [cpu, core])))
    for (const guest of placed) {
      const own = ownCpus(guest)
      if (guest.threadPolicy === 'isolate')
        for (const cpu of own) assert.equal((coreOf.get(cpu) ?? []).filter(other => own.includes(other)).length, 1)
      if (guest.threadPolicy === 'require')
        for (const cell of guest.cells.filter(one => one.pins.length > 1)) {
          const cores = new Set(cell.pins.map(([, cpu]) => coreOf.get(cpu)))
          assert.ok(cores.size <= Math.ceil(cell.pins.length / 2))
        }
    }
  })
})

test('the same question has the same answer, and what is given back is there again', () => {
  run((host, wishes) => {
    const placed = fill(host, wishes)
    assert.deepEqual(fill(host, wishes), placed)
    const last = placed.at(-1)
    if (last === undefined) return
    const topology = wishes.find(wish => {
      const fit = fitOnHost(host, numaUsage(host, placed.slice(0, -1)), { topology: wish, limits: ratios })
      return fit.ok && JSON.stringify(fit.fitted) === JSON.stringify(last)
    })
    assert.ok(topology !== undefined)
  })
})

test('a guest goes to the cells that its networks are at, where the host tells where that is', () => {
  const cell = (id: number, more: Partial<HostCell>): HostCell => {
    const cpus = { sharedCpus: [id], dedicatedCpus: [], siblings: [[id]] }
    return { id, memoryMiB: 512, ...cpus, pages: [], socket: id, ...more }
  }
  const host = { cells: [cell(0, {}), cell(1, { physnets: ['blue'] }), cell(2, { hasTunnels: true })] }
  const one: NumaTopology = {
    cells: [{ id: 0, cpus: [0], pinned: [], memoryMiB: 64 }],
    pageSizeKiB: undefined,
    cpuPolicy: null,
    threadPolicy: null,
    emulatorPolicy: null,
  }
  const place = (physnets: readonly string[], isTunneled: boolean) => {
    const fit = fitOnHost(host, numaUsage(host, []), {
      topology: one,
      limits: ratios,
      networks: { physnets, isTunneled },
    })
    return fit.ok ? fit.fitted.cells[0]?.hostCell : fit.reason
  }
  assert.equal(place(['blue'], false), 1)
  assert.equal(place([], true), 2)
  assert.equal(place(['red'], false), 0)
  assert.match(String(place(['blue'], true)), /^(network blue is|tunnels are) not at cell \d$/)
})

test('a refusal says what each cell had', () => {
  const cell = (id: number, pinnable: readonly number[]): HostCell => ({
    id,
    memoryMiB: 512,
    sharedCpus: [],
    dedicatedCpus: pinnable,
    siblings: pinnable.map(cpu => [cpu]),
    pages: [],
    socket: id,
  })
  const host = { cells: [cell(0, [0, 1]), cell(1, [2])] }
  const topology: NumaTopology = {
    cells: [{ id: 0, cpus: [0, 1, 2], pinned: [0, 1, 2], memoryMiB: 64 }],
    pageSizeKiB: undefined,
    cpuPolicy: 'dedicated',
    threadPolicy: null,
    emulatorPolicy: null,
  }
  const fit = fitOnHost(host, numaUsage(host, []), { topology, limits: null })
  assert.deepEqual(fit, {
    ok: false,
    reason: 'cell 0: 3 dedicated CPUs needed, 2 of 2 free; cell 1: 3 dedicated CPUs needed, 1 of 1 free',
  })
})
