import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, silentLog } from '#base'
import { ComputeMonitors, processorMetrics } from './monitors.ts'

const second = 1e9
const times = (user: number, kernel: number, idle: number, iowait: number) => ({
  user: user * second,
  kernel: kernel * second,
  idle: idle * second,
  iowait: iowait * second,
  frequencyMHz: 2000,
})

test('percentages are those since the look before, and at the first look since the start', () => {
  const first = Object.fromEntries(processorMetrics(times(10, 20, 65, 5)))
  assert.deepEqual(first, {
    'cpu.user.time': 10 * second,
    'cpu.kernel.time': 20 * second,
    'cpu.idle.time': 65 * second,
    'cpu.iowait.time': 5 * second,
    'cpu.frequency': 2000,
    'cpu.user.percent': 10,
    'cpu.kernel.percent': 20,
    'cpu.idle.percent': 65,
    'cpu.iowait.percent': 5,
    'cpu.percent': 35,
  })
  const next = Object.fromEntries(processorMetrics(times(11, 20, 67, 5), times(10, 20, 65, 5)))
  assert.deepEqual([next['cpu.user.percent'], next['cpu.idle.percent'], next['cpu.percent']], [33, 66, 33])
  const same = Object.fromEntries(processorMetrics(times(11, 20, 67, 5), times(11, 20, 67, 5)))
  assert.equal(same['cpu.percent'], 0)
})

const metricsOf = async (names: readonly string[]) => {
  const host = { processorTimes: async () => times(1, 1, 1, 1), describe: () => assert.fail('not asked') }
  return (await new ComputeMonitors(names, silentLog).metrics(host, 'fake', new ManualClock())).length
}

test('a monitor is named in full, without the front, or as it once was; others measure nothing', async () => {
  for (const name of ['cpu.virt_driver', 'virt_driver', 'nova.compute.monitors.cpu.virt_driver'])
    assert.equal(await metricsOf([name]), 10, name)
  assert.equal(await metricsOf(['numa_mem_bw.virt_driver']), 0)
  assert.equal(await metricsOf([]), 0)
})
