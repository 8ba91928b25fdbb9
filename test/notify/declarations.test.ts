import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events, payloads } from '#notify'
import { golden } from './samples.ts'

test('the declared types are those of Nova, with their payloads and priorities', () => {
  const declared = Object.entries(events).map(([type, { payload, priority }]) => [type, payload, priority])
  const known = Object.entries(golden.events).map(([type, { payload, priority }]) => [type, payload, priority])
  assert.deepEqual(declared.toSorted(), known.toSorted())
  assert.equal(known.length, 132)
})

test('each is published by whom Nova says', () => {
  const wrong = Object.entries(events).filter(([type, { binary }]) => {
    // Nova's sample of it is of the API, whose failures have their answers; those of hosts and sagas are told here.
    if (type === 'compute.exception') return binary !== 'nova-compute'
    return binary !== 'own' && golden.events[type]?.sources.includes(binary) !== true
  })
  assert.deepEqual(wrong, [])
})

test('the declared objects have the versions and fields of Nova', () => {
  const facts = (all: Readonly<Record<string, { version: string; fields: object }>>) =>
    Object.fromEntries(
      Object.entries(all)
        .map(([name, { version, fields }]) => [name, { version, fields: Object.entries(fields).toSorted() }] as const)
        .toSorted(([a], [b]) => a.localeCompare(b)),
    )
  assert.deepEqual(facts(payloads), facts(golden.payloads))
})
