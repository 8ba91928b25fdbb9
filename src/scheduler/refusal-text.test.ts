import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalDetails, refusalMessage } from './refusal-text.ts'

const memory = { filter: 'Placement', reason: 'MEMORY_MB: 999424 needed, 24000 free of 32000' }
const disabled = { filter: 'ComputeFilter', reason: 'the compute service is disabled (maintenance)' }

test('nobody refused: only the known sentence', () => {
  assert.equal(refusalMessage([]), 'There are not enough hosts available.')
})

test('every host with its reason', () => {
  assert.equal(
    refusalMessage([
      { host: 'host1', ...memory },
      { host: 'host2', ...disabled },
    ]),
    'There are not enough hosts available. host2: ComputeFilter: the compute service is disabled (maintenance); ' +
      'host1: Placement: MEMORY_MB: 999424 needed, 24000 free of 32000',
  )
})

test('hosts with the same reason stand together, in order of their numbers', () => {
  const refusals = ['host10', 'host9', 'host2', 'host1'].map(host => ({ host, ...memory }))
  assert.equal(
    refusalMessage(refusals),
    'There are not enough hosts available. host1, host2 and 2 more: Placement: MEMORY_MB: 999424 needed, 24000 free of 32000',
  )
  assert.equal(refusalDetails(refusals), `host1, host2, host9, host10: Placement: ${memory.reason}`)
})

test('the message fits a fault of 255 characters and says how much is left out', () => {
  for (let count = 1; count < 40; count++) {
    const refusals = Array.from({ length: count }, (_, number) => ({
      host: `compute-${number}`,
      filter: 'Placement',
      reason: `MEMORY_MB: 999424 needed, ${number} free of 32000`,
    }))
    const message = refusalMessage(refusals)
    const told = message.split('Placement:').length - 1
    const untold = Number(/; and (\d+) more hosts?$/.exec(message)?.[1] ?? 0)
    assert.ok(`No valid host was found. ${message}`.length <= 255, message)
    assert.equal(told + untold, count, message)
  }
})

test('a reason that is too long by itself is cut', () => {
  const message = refusalMessage([
    { host: 'host1', filter: 'JsonFilter', reason: 'x'.repeat(500) },
    { host: 'host2', ...memory },
  ])
  assert.equal(`No valid host was found. ${message}`.length, 255)
  assert.match(message, /x…; and 1 more host$/)
})
