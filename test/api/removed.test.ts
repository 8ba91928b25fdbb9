import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const words = 'This resource is no longer available.  No forwarding address is given.'

const routes: readonly (readonly [string, string])[] = [
  ['GET', '/os-agents?hypervisor=kvm'],
  ['PUT', '/os-agents/1'],
  ['DELETE', '/os-agents/1'],
  ['GET', '/os-cells/detail'],
  ['GET', '/os-cells/capacities'],
  ['GET', '/os-cells/one/capacities'],
  ['POST', '/os-cells/sync_instances'],
  ['GET', '/os-certificates/root'],
  ['PUT', '/os-cloudpipe/configure-project'],
  ['GET', '/os-fping?all_tenants=1'],
  ['DELETE', '/servers/no-such-server/consoles/1'],
]

for (const [method, path] of routes) {
  test(`${method} ${path} is gone, for everybody and at every version`, async () => {
    for (const version of ['2.1', '2.36', newest]) {
      const body = method === 'POST' || method === 'PUT' ? { body: { anything: {} } } : {}
      const answer = (await cloud.request(method, path, { version, as: cloud.reader, ...body })).refuses(410, words)
      assert.deepEqual(answer.body, { computeFault: { code: 410, message: words } })
    }
    ;(await cloud.request(method, `/v2${path}`)).expect(410)
  })
}

test('a body must still be JSON, and a token there', async () => {
  const answer = await fetch(`${cloud.url}/v2.1/os-cells`, {
    method: 'POST',
    headers: { 'x-auth-token': cloud.member.token, 'content-type': 'application/json' },
    body: '{',
  })
  assert.equal(answer.status, 400)
  assert.equal((await fetch(`${cloud.url}/v2.1/os-cells`)).status, 401)
})
