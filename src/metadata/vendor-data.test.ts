import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLog } from '#base'
import { aServer, sampleId } from './sample.test-kit.ts'
import { createVendorData, type VendorDataConfig } from './vendor-data.ts'

const base: VendorDataConfig = {
  vendordata_providers: ['StaticJSON', 'DynamicJSON'],
  vendordata_jsonfile_path: null,
  vendordata_dynamic_targets: [],
  vendordata_dynamic_connect_timeout: 5,
  vendordata_dynamic_read_timeout: 5,
  vendordata_dynamic_failure_fatal: false,
  vendordata_dynamic_ssl_certfile: '',
}

const create = (config: Partial<VendorDataConfig>, token?: () => Promise<string>) =>
  createVendorData({ config: { ...base, ...config }, log: silentLog, ...(token === undefined ? {} : { token }) })

async function site(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('the file of the operator; missing or damaged is {}', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'vendor-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'v.json')
  assert.deepEqual(await create({ vendordata_jsonfile_path: path }).fixed(), {})
  writeFileSync(path, '{"a": 1')
  assert.deepEqual(await create({ vendordata_jsonfile_path: path }).fixed(), {})
  writeFileSync(path, '{"a": 1}')
  assert.deepEqual(await create({ vendordata_jsonfile_path: path }).fixed(), { a: 1 })
  assert.deepEqual(await create({ vendordata_jsonfile_path: path }).all(aServer()), { static: { a: 1 } })
  assert.equal(await create({ vendordata_providers: ['DynamicJSON'] }).fixed(), undefined)
})

test('services are asked about the instance, with user agent and token', async t => {
  let seen: { headers: IncomingMessage['headers']; body: string } | undefined
  const url = await site(t, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    seen = { headers: request.headers, body: Buffer.concat(chunks).toString() }
    response.end('{"from": "service"}')
  })
  const targets = [`one@${url}`, `one@${url}again`, 'nameless', `static@${url}`]
  const answer = await create({ vendordata_dynamic_targets: targets }, async () => 'tok').all(aServer())
  assert.deepEqual(answer, { static: {}, one: { from: 'service' } })
  assert.equal(seen?.headers['user-agent'], 'openstack-nova-vendordata')
  assert.equal(seen?.headers['x-auth-token'], 'tok')
  assert.deepEqual(JSON.parse(seen?.body ?? ''), {
    'project-id': 'p1',
    'instance-id': sampleId,
    'image-id': 'b8e5d3a0-0000-4000-8000-0000000000ff',
    'user-data': aServer().userData,
    hostname: 'web-1',
    metadata: { role: 'web' },
    'boot-roles': 'member,reader',
  })
})

for (const [what, reply] of [
  ['an error', (response: ServerResponse) => response.writeHead(500).end('{}')],
  ['no JSON', (response: ServerResponse) => response.end('<html>')],
  ['a broken connection', (response: ServerResponse) => response.destroy()],
] as const) {
  test(`${what} is {}, or fatal when the operator says so`, async t => {
    const url = await site(t, (_request, response) => void reply(response))
    const targets = { vendordata_dynamic_targets: [`one@${url}`] }
    assert.deepEqual(await create(targets).all(aServer()), { static: {}, one: {} })
    await assert.rejects(create({ ...targets, vendordata_dynamic_failure_fatal: true }).all(aServer()), {
      code: 'VendorDataUnavailable',
    })
  })
}

test('an answer that does not come is given up', async t => {
  const url = await site(t, () => undefined)
  const config = { vendordata_dynamic_targets: [`one@${url}`], vendordata_dynamic_read_timeout: 0.05 }
  assert.deepEqual(await create(config).all(aServer()), { static: {}, one: {} })
})
