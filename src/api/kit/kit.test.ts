import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { silentLog, systemClock } from '#base'
import { type Caller, type IdentityPort, TokenInvalid } from '#cloud'
import { type Face, listen } from '#http'
import { type Deps, widgets } from './demo.test-kit.ts'
import { type Complaint, compiledValidators, createApi } from './index.ts'

const project = 'a0b1c2'
const caller: Caller = {
  userId: 'u1',
  userName: 'someone',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: project,
  projectName: 'p',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  roles: ['member', 'reader'],
  systemScope: false,
  domainId: null,
  token: 'good',
  expiresAtMs: 0,
}
const admin: Caller = { ...caller, userId: 'root', roles: ['admin', 'member', 'reader'], token: 'admin' }

const identity: IdentityPort = {
  async validate(token) {
    const found = [caller, admin].find(c => c.token === token)
    if (found === undefined) throw TokenInvalid({})
    return found
  },
  project: async () => undefined,
  serviceCaller: async () => admin,
  limits: async () => ({}),
  endpoint: async () => undefined,
}

const adminOnly = new Set(['widgets:secret', 'widgets:certificates'])

describe('the API kit over HTTP', () => {
  const deps: Deps = { seen: [] }
  const unlisted: string[] = []
  const badReplies: Complaint[] = []
  let face: Face
  let base: string

  before(async () => {
    face = createApi({
      resources: [widgets],
      deps,
      identity,
      policy: {
        allow(rule, who, target) {
          const isAdmin = who.roles.includes('admin')
          const isOwn = target['project_id'] === undefined || target['project_id'] === who.projectId
          return isAdmin || (isOwn && !adminOnly.has(rule))
            ? { ok: true }
            : { ok: false, rule, why: 'needs role admin' }
        },
      },
      log: silentLog,
      clock: systemClock,
      options: { authUri: 'http://keystone/v3', maxLimit: 3 },
      hooks: { onUnlistedFault: fault => void unlisted.push(fault.code), onBadReply: c => void badReplies.push(c) },
    })
    base = `http://127.0.0.1:${await listen(face, { service: 'nova-api', host: '127.0.0.1', port: 0 })}`
  })
  after(async () => {
    await face.close()
    assert.deepEqual(badReplies, [])
  })

  interface Answer {
    readonly status: number
    readonly headers: Headers
    readonly text: string
    readonly json: Record<string, Record<string, unknown>>
  }
  interface Ask {
    readonly version?: string
    readonly headers?: Record<string, string>
    readonly token?: string
  }
  async function call(method: string, path: string, body?: unknown, ask: Ask = {}): Promise<Answer> {
    const answer = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        'x-auth-token': ask.token ?? 'good',
        accept: 'application/json',
        ...(ask.version === undefined ? {} : { 'openstack-api-version': `compute ${ask.version}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...ask.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json = text.startsWith('{') ? (JSON.parse(text) as Answer['json']) : {}
    return { status: answer.status, headers: answer.headers, text, json }
  }
  const refused = async (answer: Promise<Answer>): Promise<[number, string, unknown]> => {
    const { status, json } = await answer
    const [kind = '', inner] = Object.entries(json)[0] ?? []
    return [status, kind, inner?.['message']]
  }
  const create = (fields: object, version: string, token = 'good') =>
    call('POST', '/v2.1/widgets', { widget: fields }, { version, token })

  test('every answer names its request and its version', async () => {
    const incoming = 'req-00000000-0000-4000-8000-000000000000'
    const answer = await call('GET', '/v2.1/widgets/1', undefined, {
      version: '2.5',
      headers: { 'x-openstack-request-id': incoming },
    })
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('x-compute-request-id') ?? '', /^req-[0-9a-f-]{36}$/)
    assert.equal(answer.headers.get('x-openstack-request-id'), answer.headers.get('x-compute-request-id'))
    assert.notEqual(answer.headers.get('x-openstack-request-id'), incoming)
    assert.equal(answer.headers.get('openstack-api-version'), 'compute 2.5')
    assert.equal(answer.headers.get('x-openstack-nova-api-version'), '2.5')
    assert.equal(answer.headers.get('vary'), 'OpenStack-API-Version, X-OpenStack-Nova-API-Version')
    assert.equal(answer.headers.get('content-type'), 'application/json')
  })

  test('versions: 2.1 by default, latest, both headers, bad form, out of range', async () => {
    const at = async (headers: Record<string, string>) => call('GET', '/v2.1/widgets/1', undefined, { headers })
    assert.equal((await at({})).headers.get('openstack-api-version'), 'compute 2.1')
    assert.equal(
      (await at({ 'x-openstack-nova-api-version': 'latest' })).headers.get('openstack-api-version'),
      'compute 2.104',
    )
    const both = { 'openstack-api-version': 'volume 3.1, compute 2.9', 'x-openstack-nova-api-version': '2.3' }
    assert.equal((await at(both)).headers.get('openstack-api-version'), 'compute 2.9')
    assert.deepEqual(await refused(at({ 'openstack-api-version': 'compute 2.x' })), [
      400,
      'badRequest',
      'API Version String 2.x is of invalid format. Must be of format MajorNum.MinorNum.',
    ])
    const far = await at({ 'openstack-api-version': 'compute 2.999' })
    assert.deepEqual(far.json, {
      computeFault: {
        code: 406,
        message: 'Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.104.',
      },
    })
    assert.equal(far.headers.get('openstack-api-version'), 'compute 2.999')
  })

  test('a reply has the fields of its version, and guarded fields only for those who may see them', async () => {
    const show = async (version: string, token?: string) =>
      (await call('GET', '/v2.1/widgets/1', undefined, { version, ...(token === undefined ? {} : { token }) })).json[
        'widget'
      ]
    const links = [
      { rel: 'self', href: `${base}/v2.1/widgets/1` },
      { rel: 'bookmark', href: `${base}/widgets/1` },
    ]
    assert.deepEqual(await show('2.1'), { id: '1', name: 'widget 1', flavor: { id: '1' }, links })
    assert.deepEqual(await show('2.47'), {
      id: '1',
      name: 'widget 1',
      type: 'ssh',
      flavor: { vcpus: 2, ram: 512 },
      links,
    })
    assert.equal((await show('2.1', 'admin'))?.['secret'], 'hidden')
  })

  test('a tag exists in 2.32 to 2.36 and again from 2.42', async () => {
    const tagged = { name: 'a', networks: [{ tag: 'nic' }] }
    const statuses = await Promise.all(
      ['2.31', '2.32', '2.36', '2.37', '2.41', '2.42', 'latest'].map(v => create(tagged, v)),
    )
    assert.deepEqual(
      statuses.map(s => s.status),
      [400, 201, 201, 400, 400, 201, 201],
    )
    assert.equal((await create({ name: 'a' }, '2.1')).status, 200)
    assert.deepEqual(await refused(create({ name: 'a' }, '2.37')), [
      400,
      'badRequest',
      "Invalid input for field/attribute widget. Value: {'name': 'a'}. 'networks' is a required property",
    ])
  })

  test('the handler reads booleans and numbers, whatever words the client used', async () => {
    deps.seen.length = 0
    const answer = await create({ name: 'a', count: '5', config_drive: 'Yes', metadata: { k: 'v' } }, '2.36')
    assert.equal(answer.json['widget']?.['size'], 5)
    assert.equal(answer.headers.get('location'), `${base}/v2.1/widgets/7`)
    assert.deepEqual(deps.seen, [
      { body: { name: 'a', count: 5, config_drive: true, metadata: { k: 'v' } }, hints: undefined, keeps: true },
    ])
  })

  test('a guarded field is refused with its own rule', async () => {
    const fields = { name: 'a', networks: 'auto', certificates: ['x'] }
    assert.deepEqual(await refused(create(fields, '2.63')), [
      403,
      'forbidden',
      "Policy doesn't allow widgets:certificates to be performed.",
    ])
    assert.equal((await create(fields, '2.63', 'admin')).status, 201)
  })

  test("errors of bodies in Nova's words", async () => {
    const words = async (fields: object, version = '2.36') => (await refused(create(fields, version)))[2]
    assert.equal(
      await words({ name: 'a', color: 1, size: 2 }),
      "Invalid input for field/attribute widget. Value: {'name': 'a', 'color': 1, 'size': 2}. " +
        "Additional properties are not allowed ('color', 'size' were unexpected)",
    )
    assert.equal(await words({ name: '' }), "Invalid input for field/attribute name. Value: . '' is too short")
    assert.equal(
      await words({ name: 5 }),
      "Invalid input for field/attribute name. Value: 5. 5 is not of type 'string'",
    )
    assert.equal(
      await words({ name: ' a' }),
      "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
    )
    assert.match(String(await words({ name: 'a@b' })), /The name must be: Only expected characters: \[_- 0123/)
    assert.equal((await create({ name: 'a@b', networks: 'none' }, '2.92')).status, 201)
    assert.equal(
      await words({ name: 'a', networks: 'all' }, '2.37'),
      "Invalid input for field/attribute networks. Value: all. 'all' is not valid under any of the given schemas",
    )
    assert.deepEqual(await refused(call('POST', '/v2.1/widgets', {})), [
      400,
      'badRequest',
      "'widget' is a required property",
    ])
    assert.deepEqual(await refused(call('POST', '/v2.1/widgets')), [400, 'badRequest', "None is not of type 'object'"])
    assert.deepEqual(await refused(call('POST', '/v2.1/widgets', '{')), [400, 'badRequest', 'Malformed request body'])
  })

  test('queries: lists of strings, last value counts, strict from 2.75', async () => {
    deps.seen.length = 0
    const ask = (query: string, version = '2.1') => call('GET', `/v2.1/widgets?${query}`, undefined, { version })
    assert.equal((await ask('limit=1&limit=2&sort_key=id&sort_key=name&foo=bar')).status, 200)
    assert.deepEqual(deps.seen, [{ limit: 2, sort_key: ['id', 'name'] }])
    assert.deepEqual(await refused(ask('foo=bar', '2.75')), [
      400,
      'badRequest',
      "Additional properties are not allowed ('foo' was unexpected)",
    ])
    assert.deepEqual(await refused(ask('limit=-1')), [
      400,
      'badRequest',
      "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'",
    ])
    assert.deepEqual((await refused(ask('limit=%ff')))[2], 'Query string is not UTF-8 encoded')
  })

  test('a full page links to the next one, keeping the query', async () => {
    const ask = async (query: string) =>
      (await call('GET', `/v2.1/${project}/widgets${query}`, undefined, { version: '2.35' })).json as unknown as {
        widgets: unknown[]
        widgets_links?: { href: string }[]
      }
    const page = await ask('?limit=2&sort_key=id&marker=9')
    assert.equal(page.widgets.length, 2)
    assert.deepEqual(page.widgets_links, [
      { rel: 'next', href: `${base}/v2.1/${project}/widgets?limit=2&marker=1&sort_key=id` },
    ])
    assert.deepEqual((await ask('?limit=0')).widgets_links, undefined)
    assert.ok((await ask('')).widgets_links)
    assert.deepEqual((await ask('?limit=99')).widgets_links?.[0]?.href.endsWith('limit=99&marker=2'), true)
  })

  test('actions', async () => {
    const act = (body: unknown, version = '2.1') => call('POST', '/v2.1/widgets/1/action', body, { version })
    deps.seen.length = 0
    const done = await act({ reboot: { type: 'HARD' } })
    assert.deepEqual([done.status, done.text, deps.seen], [202, '', ['HARD']])
    assert.deepEqual(await refused(act({ fly: null })), [400, 'badRequest', 'There is no such action: fly'])
    assert.deepEqual(await refused(act({ reboot: {}, lock: null })), [400, 'badRequest', 'Malformed request body'])
    assert.deepEqual(await refused(act('[]')), [400, 'badRequest', 'Malformed request body'])
    assert.deepEqual(await refused(act('nonsense')), [400, 'badRequest', 'Malformed request body'])
    assert.deepEqual(await refused(act('null')), [404, 'itemNotFound', 'The resource could not be found.'])
    assert.deepEqual(
      (await refused(act({ reboot: {} })))[2],
      "Invalid input for field/attribute reboot. Value: {}. 'type' is a required property",
    )
    assert.equal((await act({ lock: 'anything' })).status, 202)
    assert.equal((await act({ lock: 'anything' }, '2.73')).status, 400)
    assert.equal((await act({ lock: null }, '2.73')).status, 202)
    const dumps = await Promise.all(['2.16', '2.17', '2.43', '2.44'].map(v => act({ dump: null }, v)))
    assert.deepEqual(
      dumps.map(d => d.status),
      [404, 202, 202, 404],
    )
  })

  test('the order of checks', async () => {
    const bad = { version: '9', headers: { 'content-type': 'text/html' }, token: 'bad' }
    const answer = await call('POST', '/v2.1/ffff/widgets', '{', bad)
    assert.deepEqual(
      [answer.status, answer.headers.get('www-authenticate')],
      [401, 'Keystone uri="http://keystone/v3"'],
    )
    assert.equal((await call('POST', '/v2.1/nowhere', '{', { ...bad, token: 'good' })).status, 404)
    assert.equal((await call('POST', '/v2.1/ffff/widgets', '{', { ...bad, token: 'good' })).status, 400)
    const typed = await call('POST', '/v2.1/ffff/widgets', '{', { headers: { 'content-type': 'text/html' } })
    assert.deepEqual(typed.json, { badMediaType: { code: 415, message: 'Unsupported Content-Type' } })
    assert.equal((await refused(call('POST', '/v2.1/ffff/widgets', '{')))[2], 'Malformed request body')
    assert.deepEqual(await refused(call('POST', '/v2.1/ffff/widgets', {})), [
      400,
      'badRequest',
      `Malformed request URL: URL's project_id 'ffff' doesn't match Context's project_id '${project}'`,
    ])
  })

  test('faults: listed, unlisted, bugs, forgotten policy', async () => {
    assert.deepEqual(await refused(call('GET', '/v2.1/widgets/none')), [
      404,
      'itemNotFound',
      'Widget none could not be found.',
    ])
    assert.equal((await call('GET', '/v2.1/widgets/none')).headers.get('openstack-api-version'), 'compute 2.1')
    const broken = await refused(call('GET', '/v2.1/widgets/broken'))
    assert.deepEqual([broken[0], broken[1], unlisted], [500, 'computeFault', ['WidgetBroken']])
    assert.match(
      String((await refused(call('GET', '/v2.1/widgets/bug')))[2]),
      /^Unexpected API Error\..*\n<class 'TypeError'>$/,
    )
    assert.equal((await call('GET', '/v2.1/widgets/unasked')).status, 500)
    const foreign = await call('GET', '/v2.1/widgets/foreign')
    assert.deepEqual([foreign.status, foreign.headers.get('x-nova-explain')], [403, 'needs role admin'])
  })

  test('/v2 has no versions, drops unknown keys and trims names', async () => {
    const answer = await call(
      'PUT',
      '/v2/widgets/1',
      { widget: { name: ' a ', color: 1, description: 'x' }, more: 1 },
      { version: '2.99' },
    )
    assert.deepEqual([answer.status, answer.json], [200, { widget: { name: 'a' } }])
    assert.deepEqual([answer.headers.get('openstack-api-version'), answer.headers.get('vary')], [null, null])
    const links = (await call('GET', `/v2/${project}/widgets/1`)).json['widget']?.['links'] as { href: string }[]
    assert.deepEqual(
      links.map(l => l.href),
      [`${base}/v2/${project}/widgets/1`, `${base}/${project}/widgets/1`],
    )
  })

  test('routes: fixed words first, .json, unknown ones in the form of the web server', async () => {
    assert.deepEqual((await call('GET', '/v2.1/widgets/special')).json, { special: { word: true } })
    assert.equal((await call('GET', '/v2.1/widgets.json')).status, 200)
    const deleted = await call('DELETE', '/v2.1/widgets/a%20b/parts/c')
    assert.deepEqual([deleted.status, deps.seen.at(-1)], [204, 'a b c'])
    const missing = await call('PATCH', '/v2.1/widgets')
    assert.deepEqual(
      [missing.status, missing.json],
      [
        404,
        { message: 'The resource could not be found.<br /><br />\n\n\n', code: '404 Not Found', title: 'Not Found' },
      ],
    )
    assert.equal((await call('GET', '/v2.1/widgets/')).status, 404)
    const large = await call('PUT', '/v2.1/widgets/1', `{"widget": "${'x'.repeat(120_000)}"}`)
    assert.equal(large.status, 413)
  })

  test('version documents need no token', async () => {
    const list = await call('GET', '/', undefined, { token: '' })
    assert.deepEqual(
      (list.json as unknown as { versions: { id: string }[] }).versions.map(v => v.id),
      ['v2.0', 'v2.1'],
    )
    const current = (await call('GET', '/v2.1/', undefined, { token: '' })).json['version']
    assert.deepEqual([current?.['version'], current?.['min_version'], current?.['status']], ['2.104', '2.1', 'CURRENT'])
    assert.equal((await call('GET', '/v2', undefined, { token: '' })).json['version']?.['version'], '')
    assert.equal((await call('GET', '/v3/x', undefined, { token: '' })).status, 300)
  })

  test('equal shapes share a validator, across versions', async () => {
    await create({ name: 'a' }, '2.3')
    const before = compiledValidators()
    await create({ name: 'a' }, '2.30')
    assert.equal(compiledValidators(), before)
  })
})
