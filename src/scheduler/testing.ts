/** Test kit: tables for filters and weighers. Only `*.test.ts` may import it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceId } from '#base'
import type { RequestSpec } from '#model'
import type { HostFilter } from './filters/index.ts'
import type { SchedulerHost } from './host-source.ts'
import { type SchedulerOverrides, schedulerOptions } from './options.ts'
import { aHost, aSpec } from './samples.ts'
import { weigh } from './weigh.ts'
import type { HostWeigher } from './weighers/index.ts'

export interface FilterCase {
  readonly when: string
  readonly spec?: Partial<RequestSpec>
  readonly host?: Partial<SchedulerHost>
  readonly options?: SchedulerOverrides
  readonly instance?: string
  /** What the refusal says; absent where the host passes. */
  readonly refuses?: string
}

/** One test per row: the host passes, or is refused with exactly these words. */
export function filterTable(filter: HostFilter, rows: readonly FilterCase[]): void {
  for (const { when, spec, host, options, instance, refuses } of rows) {
    test(`${filter.name}: ${when}`, () => {
      const check = filter.prepare({
        spec: aSpec(spec),
        options: schedulerOptions(options),
        instanceId: instance === undefined ? null : instanceId(instance),
      })
      assert.equal(check?.(aHost(host)) ?? true, refuses ?? true)
    })
  }
}

export interface WeigherCase {
  readonly when: string
  readonly spec?: Partial<RequestSpec>
  readonly options?: SchedulerOverrides
  readonly hosts: readonly Partial<SchedulerHost>[]
  readonly weights: readonly number[]
}

/** One test per row: what the weigher alone adds to each host, multiplied. */
export function weigherTable(weigher: HostWeigher, rows: readonly WeigherCase[]): void {
  for (const { when, spec, options, hosts, weights } of rows) {
    test(`${weigher.name}: ${when}`, () => {
      const request = { spec: aSpec(spec), options: schedulerOptions(options), instanceId: null }
      const states = hosts.map((host, number) => aHost({ host: `host${number}`, ...host }))
      const { totals } = weigh(states, [weigher], request)
      assert.deepEqual(
        [...totals].map(weight => Math.round(weight * 1000) / 1000),
        weights,
      )
    })
  }
}

export const instances = (...ids: string[]) => new Set(ids.map(instanceId))
