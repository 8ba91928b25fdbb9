import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransportUnusable } from './faults.ts'
import { parseTransportUrl } from './transport-url.ts'

const host = (
  host: string | null,
  port: number | null = null,
  user: string | null = null,
  password: string | null = null,
) => ({
  host,
  port,
  user,
  password,
})

/** What oslo.messaging 14.0.3 makes of them. */
const urls = {
  'rabbit://': { hosts: [], virtualHost: '' },
  'rabbit://rabbit': { hosts: [host('rabbit')], virtualHost: '' },
  'rabbit://nova:se%2Fcret%40@r1:5672/': { hosts: [host('r1', 5672, 'nova', 'se/cret@')], virtualHost: '' },
  'rabbit://a:b;c@h//': { hosts: [host('h', null, 'a', 'b;c')], virtualHost: '/' },
  'rabbit://u:p@h1:1,u2:p:2@h2:2,h3/cell%201': {
    hosts: [host('h1', 1, 'u', 'p'), host('h2', 2, 'u2', 'p:2'), host('h3')],
    virtualHost: 'cell 1',
  },
  'rabbit://u:p@[::1]:5671,u:p@[fe80::2]/v': {
    hosts: [host('::1', 5671, 'u', 'p'), host('fe80::2', null, 'u', 'p')],
    virtualHost: 'v',
  },
} as const

for (const [url, { hosts, virtualHost }] of Object.entries(urls)) {
  test(`transport_url ${url}`, () => {
    assert.deepEqual(parseTransportUrl(url), { scheme: 'rabbit', hosts, virtualHost, query: {} })
  })
}

test('options in the URL', () => {
  assert.deepEqual(parseTransportUrl('rabbit://h/?ssl=1&heartbeat_rate=3').query, { ssl: '1', heartbeat_rate: '3' })
})

test('what is wrong is said without the password', () => {
  for (const url of ['', 'h:5672', 'rabbit://u:secret@h:port', 'rabbit://u:secret@h:65536', 'rabbit://u:secret@[::1']) {
    assert.throws(
      () => parseTransportUrl(url),
      error => {
        assert.ok(TransportUnusable.is(error))
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  }
})
