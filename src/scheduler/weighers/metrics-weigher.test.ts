import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schedulerOptions } from '../options.ts'
import { aHost, aSpec } from '../samples.ts'
import { weigherTable } from '../testing.ts'
import { metricsWeigher } from './metrics-weigher.ts'

weigherTable(metricsWeigher, [
  { when: 'nothing configured', hosts: [{ metrics: { load: 1 } }, {}], weights: [0, 0] },
  {
    when: 'the sum of metrics times ratios',
    options: { metrics: { weight_setting: ['load=-1', 'idle=2'] } },
    hosts: [{ metrics: { load: 4, idle: 1 } }, { metrics: { load: 0, idle: 4 } }, { metrics: { load: 1, idle: 2 } }],
    weights: [0, 1, 0.5],
  },
  {
    when: 'a metric that is missing',
    options: { metrics: { weight_setting: ['load=1'], required: false, weight_of_unavailable: -6 } },
    hosts: [{ metrics: { load: 4 } }, { metrics: {} }, { metrics: { load: -1 } }],
    weights: [1, 0, 0.5],
  },
])

test('MetricsWeigher: a host without a required metric is refused', () => {
  const options = schedulerOptions({ metrics: { weight_setting: ['load=1'] } })
  const check = metricsWeigher.prepareCheck?.({ spec: aSpec(), options, instanceId: null })
  assert.equal(check?.(aHost({ metrics: { load: 1 } })), true)
  assert.equal(check?.(aHost()), 'the metric load is required, the host does not report it')
})
