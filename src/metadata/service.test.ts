import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { instanceId, ManualClock, silentLog } from '#base'
import { listen } from '#http'
import { aServer, SampleSource, sampleId } from './sample.test-kit.ts'
import { createMetadataService, type MetadataConfig } from './service.ts'

const secret = 'shared'

const config = (isProxied = false, cacheSeconds = 15): MetadataConfig => ({
  api: {
    dhcp_domain: 'novalocal',
    metadata_cache_expiration: cacheSeconds,
    vendordata_providers: ['StaticJSON'],
    vendordata_jsonfile_path: null,
    vendordata_dynamic_targets: [],
    vendordata_dynamic_connect_timeout: 5,
    vendordata_dynamic_read_timeout: 5,
    vendordata_dynamic_failure_fatal: false,
    vendordata_dynamic_ssl_certfile: '',
  },
  neutron: { service_metadata_proxy: isProxied, metadata_proxy_shared_secret: secret },
})

async function running(
  t: TestContext,
  options: { config?: MetadataConfig; view?: ReturnType<typeof aServer> | undefined } = {},
) {
  const source = new SampleSource('view' in options ? options.view : aServer())
  const clock = new ManualClock()
  const service = createMetadataService({ source, config: options.config ?? config(), log: silentLog, clock })
  t.after(() => service.face.close())
  const port = await listen(service.face, { service: 'metadata', host: '127.0.0.1', port: 0 })
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
  }
  return { source, clock, service, get }
}

test('paths: root, ec2 with and without prefix, doubled slashes, OpenStack', async t => {
  const { get } = await running(t)
  const ec2 =
    '1.0\n2007-01-19\n2007-03-01\n2007-08-29\n2007-10-10\n2007-12-15\n2008-02-01\n2008-09-01\n2009-04-04\nlatest'
  assert.deepEqual(await get('/'), { status: 200, type: 'text/plain; charset=UTF-8', body: ec2 })
  assert.equal((await get('/ec2')).body, ec2)
  assert.equal((await get('/latest/meta-data/instance-id')).body, 'i-0000001a')
  assert.equal((await get('//ec2//latest/./meta-data/instance-id/')).body, 'i-0000001a')
  assert.equal((await get('/openstack/')).body.split('\n').at(-1), 'latest')
  assert.match((await get('/openstack')).body, /^2012-08-10\n[\s\S]*\n2025-04-04\nlatest$/)
  const json = await get('/openstack/latest/meta_data.json')
  assert.equal(json.type, 'application/json; charset=UTF-8')
  assert.equal(JSON.parse(json.body).uuid, sampleId)
  assert.equal((await get('/openstack/latest/user_data')).body, '#!/bin/sh\necho hi\n')
  assert.equal((await get('/openstack/latest/vendor_data.json')).body, '{}')
  assert.equal((await get('/openstack/latest/vendor_data2.json')).body, '{"static": {}}')
  assert.equal((await get('/openstack/latest/network_data.json')).body.startsWith('{"links": [{"id": "tap'), true)
})

for (const path of [
  '/nonsense',
  '/2030-01-01',
  '/openstack/2030-01-01/meta_data.json',
  '/openstack/2012-08-10/password',
  '/openstack/2013-04-04/vendor_data.json',
  '/openstack/2016-06-30/vendor_data2.json',
  '/openstack/latest/meta_data.json/x',
  '/openstack/content',
  '/openstack/content/0000',
  '/latest/meta-data/nix',
]) {
  test(`404 for ${path}`, async t => {
    const answer = await (await running(t)).get(path)
    assert.equal(answer.status, 404)
    assert.match(answer.body, /<title>404 Not Found<\/title>/)
  })
}

test('OpenStack versions of the future are hidden in the list', async t => {
  const source = new SampleSource(aServer())
  const clock = new ManualClock(Date.parse('2017-02-21T23:59:00Z'))
  const service = createMetadataService({ source, config: config(), log: silentLog, clock })
  t.after(() => service.face.close())
  const answer = await service.face.inject({ url: '/openstack' })
  assert.deepEqual(answer.body.split('\n').slice(-2), ['2016-10-06', 'latest'])
})

test('an unknown address gets 404', async t => {
  const { get } = await running(t, { view: undefined })
  assert.equal((await get('/latest/meta-data')).status, 404)
  assert.equal((await get('/')).status, 200)
})

const sign = (text: string) => createHmac('sha256', secret).update(text).digest('hex')
const signed = { 'x-instance-id': sampleId, 'x-tenant-id': 'p1', 'x-instance-id-signature': sign(sampleId) }
const without = (name: string) => Object.fromEntries(Object.entries(signed).filter(([key]) => key !== name))
const balanced = {
  'x-metadata-provider': 'lb-1',
  'x-metadata-provider-signature': sign('lb-1'),
  'x-forwarded-for': '10.0.0.5, 10.1.1.1',
}

for (const [what, headers, status, words] of [
  ['good', signed, 200, /^i-0000001a$/],
  ['no id', without('x-instance-id'), 400, /X-Instance-ID header is missing from request\./],
  ['no signature', without('x-instance-id-signature'), 400, /X-Instance-ID-Signature header is missing from request\./],
  ['no project', without('x-tenant-id'), 400, /X-Tenant-ID header is missing from request\./],
  [
    'two ids',
    { ...signed, 'x-instance-id': `${sampleId}, x` },
    400,
    /Multiple X-Instance-ID headers found within request\./,
  ],
  ['wrong signature', { ...signed, 'x-instance-id-signature': sign('x') }, 403, /Invalid proxy request signature\./],
  ['short signature', { ...signed, 'x-instance-id-signature': 'aa' }, 403, /Invalid proxy request signature\./],
  ['other project', { ...signed, 'x-tenant-id': 'p2' }, 404, /could not be found/],
  [
    'other instance',
    { ...signed, 'x-instance-id': 'x', 'x-instance-id-signature': sign('x') },
    404,
    /could not be found/,
  ],
  ['load balancer', balanced, 200, /^i-0000001a$/],
  ['load balancer, wrong signature', { ...balanced, 'x-metadata-provider-signature': 'x' }, 403, /Invalid proxy/],
  ['load balancer, no address', { 'x-metadata-provider': 'lb-1' }, 400, /X-Forwarded-For is missing from request\./],
  ['load balancer, other address', { ...balanced, 'x-forwarded-for': '10.0.0.6' }, 400, /Expected a single port/],
] as const) {
  test(`behind a proxy: ${what}`, async t => {
    const { get } = await running(t, { config: config(true) })
    const answer = await get('/latest/meta-data/instance-id', { headers })
    assert.equal(answer.status, status)
    assert.match(answer.body, words)
  })
}

test('behind a proxy without a secret nothing is believed', async t => {
  const open = config(true)
  const { get } = await running(t, {
    config: { ...open, neutron: { service_metadata_proxy: true, metadata_proxy_shared_secret: '' } },
  })
  const signature = createHmac('sha256', '').update(sampleId).digest('hex')
  const answer = await get('/latest/meta-data', { headers: { ...signed, 'x-instance-id-signature': signature } })
  assert.equal(answer.status, 403)
})

test('the password is posted once and read back', async t => {
  const { get } = await running(t)
  const url = '/openstack/latest/password'
  const post = (body: string) => get(url, { method: 'POST', body })
  assert.deepEqual(await get(url), { status: 200, type: 'text/plain; charset=UTF-8', body: '' })
  assert.equal((await post('x'.repeat(1021))).status, 400)
  assert.equal((await get(url, { method: 'PUT', body: 'x' })).status, 400)
  assert.equal((await post('x'.repeat(1020))).status, 200)
  assert.equal((await get(url)).body, 'x'.repeat(1020))
  assert.equal((await post('y')).status, 409)
  assert.equal((await get('/openstack/2013-04-04/password')).body, 'x'.repeat(1020))
})

test('two passwords at once: one wins, the other gets 409', async t => {
  const { get } = await running(t)
  const post = (body: string) => get('/openstack/latest/password', { method: 'POST', body })
  const statuses = (await Promise.all([post('a'), post('b')])).map(answer => answer.status)
  assert.deepEqual(statuses.sort(), [200, 409])
})

test('reads are cached until the time is up or the instance changed', async t => {
  const { source, clock, service, get } = await running(t)
  const name = async () => JSON.parse((await get('/openstack/latest/meta_data.json')).body).name
  assert.equal(await name(), 'Wäb 1')
  source.view = aServer({ displayName: 'two' })
  assert.equal(await name(), 'Wäb 1')
  service.invalidate('another')
  assert.equal(await name(), 'Wäb 1')
  service.invalidate(sampleId)
  assert.equal(await name(), 'two')
  source.view = aServer({ displayName: 'three' })
  clock.advance(14_999)
  assert.equal(await name(), 'two')
  clock.advance(1)
  assert.equal(await name(), 'three')
  assert.equal(source.reads, 3)
})

test('the next server with an address is not told of the one before it', async t => {
  const { source, get } = await running(t)
  const name = async () => JSON.parse((await get('/openstack/latest/meta_data.json')).body).name
  assert.equal(await name(), 'Wäb 1')
  source.view = aServer({ id: instanceId('6c8bf0f9-6a34-4b8f-9f0a-3f3d6f3f8e02'), displayName: 'next' })
  assert.equal(await name(), 'next')
})

test('what was being read while the instance changed is not kept', async t => {
  const { source, service, get } = await running(t)
  source.onRead = () => {
    source.onRead = () => undefined
    source.view = aServer({ displayName: 'after' })
    service.invalidate(sampleId)
  }
  const name = async () => JSON.parse((await get('/openstack/latest/meta_data.json')).body).name
  assert.equal(await name(), 'Wäb 1')
  assert.equal(await name(), 'after')
})

test('metadata_cache_expiration 0 reads every time', async t => {
  const { source, get } = await running(t, { config: config(false, 0) })
  await get('/latest/meta-data')
  await get('/latest/meta-data')
  assert.equal(source.reads, 2)
})

test('an unexpected failure says nothing about itself', async t => {
  const { source, get } = await running(t)
  source.onRead = () => {
    throw new Error('SELECT secret FROM x')
  }
  const answer = await get('/latest/meta-data')
  assert.equal(answer.status, 500)
  assert.match(answer.body, /An unknown error has occurred\. Please try your request again\./)
  assert.doesNotMatch(answer.body, /SELECT/)
})
