import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fits, type Stock, wholeCapacity, whyNot } from './capacity.ts'

const aStock = (other: Partial<Stock> = {}): Stock => ({
  resourceClass: 'VCPU',
  total: 10,
  reserved: 0,
  minUnit: 1,
  maxUnit: 100,
  stepSize: 1,
  allocationRatio: 1,
  used: 0,
  updatedAtMs: 0,
  ...other,
})

test('what fits, and the reason when it does not', () => {
  const none = undefined
  const table: [Partial<Stock>, number, string | undefined][] = [
    [{}, 10, none],
    [{}, 11, 'VCPU: 11 needed, 10 free of 10 (allocation ratio 1, reserved 0)'],
    [{ used: 4 }, 6, none],
    [{ used: 4 }, 7, 'VCPU: 7 needed, 6 free of 10 (allocation ratio 1, reserved 0)'],
    [{ reserved: 2, used: 4 }, 5, 'VCPU: 5 needed, 4 free of 10 (allocation ratio 1, reserved 2)'],
    [{ allocationRatio: 16 }, 100, none],
    [{ total: 3, allocationRatio: 1.5 }, 4, none],
    [{ total: 3, allocationRatio: 1.5 }, 5, 'VCPU: 5 needed, 4 free of 3 (allocation ratio 1.5, reserved 0)'],
    [{ total: 4, used: 9 }, 1, 'VCPU: 1 needed, 0 free of 4 (allocation ratio 1, reserved 0)'],
    [{ minUnit: 2 }, 1, 'VCPU: 1 needed, at least 2 can be had at a time'],
    [{ maxUnit: 4 }, 5, 'VCPU: 5 needed, at most 4 can be had at a time'],
    [{ stepSize: 3 }, 4, 'VCPU: 4 needed, only multiples of 3 can be had'],
  ]
  for (const [stock, amount, reason] of table) {
    assert.equal(whyNot('VCPU', aStock(stock), amount), reason)
    assert.equal(fits(aStock(stock), amount), reason === undefined, JSON.stringify([stock, amount]))
  }
  assert.equal(whyNot('VCPU', undefined, 1), 'VCPU: 1 needed, the provider has none')
})

test('summaries show whole numbers, rounded towards zero', () => {
  assert.equal(wholeCapacity(aStock({ total: 3, allocationRatio: 1.5 })), 4)
  assert.equal(wholeCapacity(aStock({ total: 1, reserved: 2, allocationRatio: 1.5 })), -1)
})
