import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '#config'
import { conductorOptions } from './conductor-options.ts'

const options = (DEFAULT: Readonly<Record<string, unknown>>) =>
  conductorOptions(loadConfig({ env: {}, overrides: { DEFAULT } }))

test('interfaces are refreshed at the interval, at Nova’s own for 0, and never below', () => {
  assert.equal(options({ heal_instance_info_cache_interval: 20 }).networkRefreshMs, 20_000)
  assert.equal(options({ heal_instance_info_cache_interval: 0 }).networkRefreshMs, 60_000)
  assert.equal(options({ heal_instance_info_cache_interval: -1 }).networkRefreshMs, undefined)
})

test('reboots and builds that take too long', () => {
  assert.equal(options({ reboot_timeout: 30 }).rebootTimeoutMs, 30_000)
  assert.equal(options({ instance_build_timeout: 30 }).buildTimeoutMs, 30_000)
  const never = options({})
  assert.deepEqual([never.rebootTimeoutMs, never.buildTimeoutMs], [0, 0])
})
