import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { routes } from '../../src/placement/api/routes.ts'
import { type Service, startService } from './http.ts'

let service: Service
before(async () => {
  service = await startService()
})
after(() => service.remove())

test('the version document needs no token', async () => {
  const { status, body } = await service.api(null).get('/', { token: null })
  assert.equal(status, 200)
  assert.deepEqual(body, {
    versions: [
      { id: 'v1.0', max_version: '1.39', min_version: '1.0', status: 'CURRENT', links: [{ rel: 'self', href: '' }] },
    ],
  })
})

test('the version asked for is echoed; none means 1.0, latest 1.39', async () => {
  const { api } = service
  const asked = async (header?: string) => {
    const headers = header === undefined ? {} : { 'openstack-api-version': header }
    const answer = await api(null).get('/resource_providers', { headers })
    return [answer.status, answer.headers.get('openstack-api-version'), answer.headers.get('vary')]
  }
  const vary = 'openstack-api-version'
  assert.deepEqual(await asked(), [200, 'placement 1.0', vary])
  assert.deepEqual(await asked('placement 1.17'), [200, 'placement 1.17', vary])
  assert.deepEqual(await asked('placement latest'), [200, 'placement 1.39', vary])
  assert.deepEqual(await asked('compute 2.1, placement 1.4'), [200, 'placement 1.4', vary])
  assert.deepEqual(await asked('compute 2.1'), [200, 'placement 1.0', vary])
})

test('a version that does not exist is 406 with the range, a malformed one 400', async () => {
  for (const version of ['1.40', '2.0', '0.9']) {
    const headers = { 'openstack-api-version': `placement ${version}` }
    const answer = await service.api(null).get('/traits', { headers })
    assert.equal(answer.status, 406)
    const [error] = (answer.body as { errors: { max_version: string; min_version: string }[] }).errors
    assert.deepEqual([error?.min_version, error?.max_version], ['1.0', '1.39'])
  }
  const bad = await service.api(null).get('/traits', { headers: { 'openstack-api-version': 'placement x' } })
  assert.equal(bad.status, 400)
  assert.match(bad.detail, /Invalid microversion: invalid version string: x/)
})

test('errors carry status, title, detail and request id, and since 1.23 a code', async () => {
  for (const [minor, code] of [
    [22, undefined],
    [23, 'placement.undefined_code'],
  ] as const) {
    const answer = await service.api(minor).get('/resource_providers/nope')
    assert.equal(answer.status, 404)
    assert.deepEqual(answer.body, {
      errors: [
        {
          status: 404,
          title: 'Not Found',
          detail: 'The resource could not be found.\n\n No resource provider with uuid nope found  ',
          ...(code === undefined ? {} : { code }),
          request_id: answer.headers.get('x-openstack-request-id'),
        },
      ],
    })
  }
})

test('without a token 401, even for what does not exist', async () => {
  for (const path of ['/traits', '/nope']) {
    for (const token of [null, 'stale']) assert.equal((await service.api(39).get(path, { token })).status, 401)
  }
})

test('what does not exist is 404, a wrong method 405 with Allow', async () => {
  assert.equal((await service.api(39).get('/nope')).status, 404)
  for (const [path, allow] of [
    ['/traits', 'GET'],
    ['/resource_providers', 'GET, POST'],
    ['/resource_providers/x/inventories', 'GET, POST, PUT, DELETE'],
  ] as const) {
    const answer = await service.api(39).send('PATCH', path)
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow])
  }
})

test('a body needs a content type, and it must be JSON', async () => {
  const post = (headers: Record<string, string>) =>
    fetch(`${service.base}/resource_providers`, {
      method: 'POST',
      headers: { 'x-auth-token': 'admin', ...headers },
      body: new TextEncoder().encode('{"name": "a"}'),
    })
  const without = await post({})
  assert.equal(without.status, 400)
  assert.match(await without.text(), /content-type header required when content-length > 0/)
  const wrong = await post({ 'content-type': 'text/plain' })
  assert.equal(wrong.status, 415)
  assert.match(await wrong.text(), /The media type text\/plain is not supported, use application\/json/)
})

test('malformed JSON and unknown keys are 400 in words', async () => {
  const malformed = await fetch(`${service.base}/resource_providers`, {
    method: 'POST',
    headers: { 'x-auth-token': 'admin', 'content-type': 'application/json' },
    body: '{"name": ',
  })
  assert.equal(malformed.status, 400)
  assert.match(await malformed.text(), /Malformed JSON/)
  const unknown = await service.api(39).post('/resource_providers', { name: 'a', colour: 'red' })
  assert.equal(unknown.status, 400)
  assert.match(
    unknown.detail,
    /JSON does not validate: Additional properties are not allowed \('colour' was unexpected\)/,
  )
  const query = await service.api(39).get('/resource_providers?colour=red')
  assert.equal(query.status, 400)
  assert.match(query.detail, /Invalid query string parameters: Additional properties .*'colour'/)
})

test('only JSON can be accepted', async () => {
  const { api } = service
  assert.equal((await api(39).get('/traits', { headers: { accept: 'text/html' } })).status, 406)
  assert.equal((await api(39).get('/traits', { headers: { accept: 'text/html, application/json;q=0.5' } })).status, 200)
})

test('cache headers come with 1.15', async () => {
  for (const path of ['/resource_providers', '/resource_classes', '/traits', '/usages?project_id=x', '/']) {
    const [old, now] = [await service.api(14).get(path), await service.api(15).get(path)]
    assert.deepEqual([old.headers.get('cache-control'), now.headers.get('cache-control')], [null, 'no-cache'], path)
    assert.equal(old.headers.get('last-modified'), null)
    assert.ok(!Number.isNaN(Date.parse(now.headers.get('last-modified') ?? '')), path)
  }
})

test('every operation refuses those who are no operators, and names its rule', async () => {
  let asked = 0
  for (const [path, at] of Object.entries(routes)) {
    for (const [method, route] of Object.entries(at)) {
      if (route.audience === 'open') continue
      const answer = await service.api(39).send(method, path.replaceAll(/:\w+/g, 'x'), {
        token: 'nobody',
        ...(route.body === undefined ? {} : { body: {} }),
      })
      assert.equal(answer.status, 403, `${method} ${path}`)
      assert.ok(answer.detail.includes(`Policy does not allow ${route.policy} to be performed.`), answer.detail)
      asked++
    }
  }
  assert.equal(asked, 35)
})

test('services may do what admins may; a reader sees the usages of the own project only', async () => {
  const { api } = service
  assert.equal((await api(39).get('/resource_providers', { token: 'service' })).status, 200)
  assert.equal((await api(39).get('/resource_providers', { token: 'reader' })).status, 403)
  assert.equal((await api(39).get('/usages?project_id=p1', { token: 'reader' })).status, 200)
  assert.equal((await api(39).get('/usages?project_id=p2', { token: 'reader' })).status, 403)
})

test('each resource is unknown before its version', async () => {
  const provider = '/resource_providers/00000000-0000-4000-8000-000000000001'
  await service.api(39).post('/resource_providers', { name: 'first', uuid: provider.slice(-36) })
  const since: [number, string, string, number][] = [
    [1, 'GET', `${provider}/aggregates`, 404],
    [2, 'GET', '/resource_classes', 404],
    [5, 'DELETE', `${provider}/inventories`, 405],
    [6, 'GET', '/traits', 404],
    [6, 'GET', `${provider}/traits`, 404],
    [9, 'GET', '/usages?project_id=x', 404],
    [10, 'GET', '/allocation_candidates?resources=VCPU:1', 404],
  ]
  for (const [minor, method, path, before] of since) {
    assert.equal((await service.api(minor - 1).send(method, path)).status, before, path)
    assert.ok((await service.api(minor).send(method, path)).status < 300, path)
  }
  for (const [minor, path] of [
    [13, '/allocations'],
    [30, '/reshaper'],
  ] as const) {
    assert.equal((await service.api(minor - 1).post(path, {})).status, 404)
    assert.equal((await service.api(minor).post(path, {})).status, 400)
  }
})
