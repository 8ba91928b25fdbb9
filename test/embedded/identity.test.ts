import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ManualClock } from '#base'
import { TokenInvalid } from '#cloud'
import {
  adminPassword,
  adminToken,
  type Cloud,
  call,
  login,
  newFolder,
  newPerson,
  type Reply,
  removeFolder,
  startCloud,
  tokenOf,
} from './kit.ts'

const folder = newFolder()
let cloud: Cloud
let admin: string
before(async () => {
  cloud = await startCloud({ folder })
  admin = await adminToken(cloud)
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

const v3 = (path: string): string => `${cloud.identityUrl}/v3${path}`
const asAdmin = (method: string, path: string, body?: unknown): Promise<Reply> =>
  call(method, v3(path), { token: admin, ...(body === undefined ? {} : { body }) })
const roleId = (name: string): string => cloud.identity.bootstrapped.roleIds[name] ?? assert.fail(name)
const refused = (token: string) => assert.rejects(cloud.identity.port.validate(token), TokenInvalid.is)

test('the version documents need no token', async () => {
  const root = (await call('GET', cloud.identityUrl)).expect(300)
  assert.equal(root.get('versions.values.0.id'), 'v3.14')
  assert.equal(root.headers.get('location'), `${cloud.identityUrl}/v3/`)
  const v3Document = (await call('GET', v3(''))).expect(200)
  assert.equal(v3Document.get('version.links.0.href'), v3('/'))
  const asDevStack = (await call('GET', `${cloud.identityUrl}/identity/v3`)).expect(200)
  assert.equal(asDevStack.get('version.links.0.href'), v3('/'))
  assert.equal((await call('GET', `${cloud.identityUrl}/identity?x=y`)).status, 300)
  assert.equal((await call('GET', `${cloud.identityUrl}/identityx/v3`)).status, 404)
})

test('a password token says who, where, what and for how long', async () => {
  const reply = await login(cloud, { user: 'admin', password: adminPassword, project: 'admin' })
  const token = tokenOf(reply)
  assert.deepEqual(reply.get('token.methods'), ['password'])
  assert.deepEqual(reply.get('token.project'), {
    domain: { id: 'default', name: 'Default' },
    id: cloud.identity.bootstrapped.adminProjectId,
    name: 'admin',
  })
  assert.deepEqual(new Set(reply.each('token.roles', 'name')), new Set(['admin', 'manager', 'member', 'reader']))
  assert.match(reply.string('token.expires_at'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.equal(Date.parse(reply.string('token.expires_at')) - Date.parse(reply.string('token.issued_at')), 3_600_000)
  assert.equal(reply.get('token.is_domain'), false)
  assert.deepEqual(reply.each('token.catalog', 'type'), ['identity', 'image', 'volumev3'])
  assert.match(reply.string('token.user.id'), /^[0-9a-f]{32}$/)
  const bare = await call('GET', v3('/auth/tokens?nocatalog'), { token, headers: { 'x-subject-token': token } })
  assert.equal(bare.expect(200).get('token.catalog'), undefined)
  assert.equal(bare.headers.get('vary'), 'X-Auth-Token')
})

test('a wrong password, an unknown user and a project without a role get the same 401', async () => {
  const stranger = await newPerson(cloud, 'stranger')
  const replies = [
    await login(cloud, { user: 'admin', password: 'wrong', project: 'admin' }),
    await login(cloud, { user: 'nobody', password: 'wrong', project: 'admin' }),
    await login(cloud, { user: stranger.name, password: stranger.password, project: 'admin' }),
    await login(cloud, { user: stranger.name, password: stranger.password, project: 'none such' }),
    await login(cloud, { user: stranger.name, password: stranger.password, scope: { system: { all: true } } }),
  ]
  for (const reply of replies) {
    assert.deepEqual(reply.expect(401).get('error'), {
      code: 401,
      message: 'The request you have made requires authentication.',
      title: 'Unauthorized',
    })
    assert.equal(reply.headers.get('www-authenticate'), `Keystone uri="${v3('')}"`)
  }
})

test('malformed requests get 400 in words of Keystone', async () => {
  const noAuth = (await call('POST', v3('/auth/tokens'), { body: {} })).expect(400)
  assert.match(noAuth.string('error.message'), /^Expecting to find auth in request body\./)
  const raw = Buffer.from('{')
  const notJson = (await call('POST', v3('/auth/tokens'), { raw })).expect(400)
  assert.match(notJson.string('error.message'), /valid JSON/)
  const method = { auth: { identity: { methods: ['magic'], magic: {} } } }
  const unsupported = (await call('POST', v3('/auth/tokens'), { body: method })).expect(401)
  assert.equal(unsupported.get('error.message'), 'Attempted to authenticate with an unsupported method.')
  const long = { user: { name: 'x'.repeat(256) } }
  assert.match((await asAdmin('POST', '/users', long)).expect(400).string('error.message'), /is too long/)
})

test('scopes: system, domain, unscoped, and the default project', async () => {
  const system = await login(cloud, { user: 'admin', password: adminPassword, scope: { system: { all: true } } })
  assert.deepEqual(system.expect(201).get('token.system'), { all: true })
  assert.equal((await cloud.identity.port.validate(tokenOf(system))).systemScope, true)
  const unscoped = await login(cloud, { user: 'admin', password: adminPassword, scope: 'unscoped' })
  assert.equal(unscoped.expect(201).get('token.roles'), undefined)
  assert.equal(unscoped.get('token.catalog'), undefined)
  const person = await newPerson(cloud, 'scoped')
  ;(await asAdmin('PUT', `/domains/default/users/${person.userId}/roles/${roleId('reader')}`)).expect(204)
  const domain = await login(cloud, { user: 'scoped', password: person.password, scope: { domain: { id: 'default' } } })
  assert.deepEqual(domain.expect(201).get('token.domain'), { id: 'default', name: 'Default' })
  assert.equal((await login(cloud, { user: 'scoped', password: person.password })).get('token.project'), undefined)
  const user = { default_project_id: person.projectId }
  ;(await asAdmin('PATCH', `/users/${person.userId}`, { user })).expect(200)
  const byDefault = await login(cloud, { user: 'scoped', password: person.password })
  assert.equal(byDefault.expect(201).get('token.project.id'), person.projectId)
})

test('a token made from a token ends when the first one ends and names it', async () => {
  const first = await login(cloud, { user: 'admin', password: adminPassword, scope: 'unscoped' })
  const scope = { project: { id: cloud.identity.bootstrapped.demoProjectId } }
  const rescope = (id: string) =>
    call('POST', v3('/auth/tokens'), { body: { auth: { identity: { methods: ['token'], token: { id } }, scope } } })
  const second = (await rescope(tokenOf(first))).expect(201)
  assert.equal(second.get('token.expires_at'), first.get('token.expires_at'))
  assert.equal(second.get('token.audit_ids.1'), first.get('token.audit_ids.0'))
  assert.deepEqual(second.get('token.methods'), ['token', 'password'])
  const third = (await rescope(tokenOf(second))).expect(201)
  assert.equal(third.get('token.audit_ids.1'), first.get('token.audit_ids.0'))
})

test('the port sees a change of roles at once, in both directions', async () => {
  const person = await newPerson(cloud, 'changing')
  const token = await person.token()
  const { port } = cloud.identity
  assert.deepEqual([...(await port.validate(token)).roles].sort(), ['member', 'reader'])
  const grant = `/projects/${person.projectId}/users/${person.userId}/roles/${roleId('admin')}`
  ;(await asAdmin('PUT', grant)).expect(204)
  assert.ok((await port.validate(token)).roles.includes('admin'))
  ;(await asAdmin('DELETE', grant)).expect(204)
  assert.equal((await port.validate(token)).roles.includes('admin'), false)
  const implied = `/roles/${roleId('member')}/implies/${roleId('service')}`
  ;(await asAdmin('PUT', implied)).expect(201)
  assert.ok((await port.validate(token)).roles.includes('service'))
  ;(await asAdmin('DELETE', implied)).expect(204)
  ;(await asAdmin('DELETE', grant.replace(roleId('admin'), roleId('member')))).expect(204)
  await refused(token)
})

test('a token dies with its user, project, group, password or account', async () => {
  const ends: Record<string, (p: { userId: string; projectId: string }) => Promise<Reply>> = {
    'user deleted': p => asAdmin('DELETE', `/users/${p.userId}`),
    'user disabled': p => asAdmin('PATCH', `/users/${p.userId}`, { user: { enabled: false } }),
    'password set': p => asAdmin('PATCH', `/users/${p.userId}`, { user: { password: 'another' } }),
    'project deleted': p => asAdmin('DELETE', `/projects/${p.projectId}`),
    'project disabled': p => asAdmin('PATCH', `/projects/${p.projectId}`, { project: { enabled: false } }),
  }
  for (const [what, end] of Object.entries(ends)) {
    const person = await newPerson(cloud, what)
    const token = await person.token()
    await cloud.identity.port.validate(token)
    assert.ok((await end(person)).status < 300, what)
    await refused(token)
  }
})

test('a token does not come back when a disabled account is enabled again', async () => {
  const person = await newPerson(cloud, 'phoenix')
  const token = await person.token()
  for (const enabled of [false, true])
    (await asAdmin('PATCH', `/users/${person.userId}`, { user: { enabled } })).expect(200)
  await refused(token)
  await cloud.identity.port.validate(await person.token())
})

test('roles through a group end with the membership', async () => {
  const person = await newPerson(cloud, 'grouped')
  const group = (await asAdmin('POST', '/groups', { group: { name: 'admins of demo' } })).expect(201).string('group.id')
  const demo = cloud.identity.bootstrapped.demoProjectId
  ;(await asAdmin('PUT', `/groups/${group}/users/${person.userId}`)).expect(204)
  ;(await asAdmin('PUT', `/projects/${demo}/groups/${group}/roles/${roleId('member')}`)).expect(204)
  const token = tokenOf(await login(cloud, { user: 'grouped', password: person.password, project: 'demo' }))
  assert.equal((await cloud.identity.port.validate(token)).projectId, demo)
  const listed = await asAdmin('GET', `/role_assignments?effective&include_names&user.id=${person.userId}`)
  assert.deepEqual(listed.each('role_assignments', 'role.name').sort(), ['member', 'member', 'reader', 'reader'])
  ;(await asAdmin('DELETE', `/groups/${group}/users/${person.userId}`)).expect(204)
  await refused(token)
})

test('a role inherited from the domain holds in its projects and not on itself', async () => {
  const person = await newPerson(cloud, 'heir')
  const path = `/OS-INHERIT/domains/default/users/${person.userId}/roles/${roleId('reader')}/inherited_to_projects`
  ;(await asAdmin('PUT', path)).expect(204)
  tokenOf(await login(cloud, { user: 'heir', password: person.password, project: 'service' }))
  const onDomain = await login(cloud, { user: 'heir', password: person.password, scope: { domain: { id: 'default' } } })
  onDomain.expect(401)
  ;(await asAdmin('DELETE', path)).expect(204)
  ;(await login(cloud, { user: 'heir', password: person.password, project: 'service' })).expect(401)
})

test('revoking ends one token and no other', async () => {
  const person = await newPerson(cloud, 'revoking')
  const [one, two] = [await person.token(), await person.token()]
  const headers = { 'x-subject-token': one }
  ;(await call('DELETE', v3('/auth/tokens'), { token: one, headers })).expect(204)
  await refused(one)
  await cloud.identity.port.validate(two)
  const gone = (await call('GET', v3('/auth/tokens'), { token: two, headers })).expect(404)
  assert.match(gone.string('error.message'), /^Could not find token/)
})

test('a member reads itself and nothing else, in words of Keystone', async () => {
  const person = await newPerson(cloud, 'plain')
  const token = await person.token()
  const get = (path: string) => call('GET', v3(path), { token })
  ;(await get(`/users/${person.userId}`)).expect(200)
  ;(await get(`/projects/${person.projectId}`)).expect(200)
  ;(await get('/auth/catalog')).expect(200)
  assert.deepEqual((await get('/auth/projects')).each('projects', 'name'), ['plain'])
  for (const path of ['/users', '/projects', '/domains', '/roles', '/services', '/endpoints', '/role_assignments']) {
    const reply = (await get(path)).expect(403)
    assert.match(
      reply.string('error.message'),
      /^You are not authorized to perform the requested action: identity:list_\w+\.$/,
    )
  }
  ;(await get(`/users/${cloud.identity.bootstrapped.adminUserId}`)).expect(403)
  const body = { user: { name: 'mine' } }
  ;(await call('POST', v3('/users'), { token, body })).expect(403)
  const others = await adminToken(cloud)
  ;(await call('GET', v3('/auth/tokens'), { token, headers: { 'x-subject-token': others } })).expect(403)
})

test('changing the own password needs the old one', async () => {
  const person = await newPerson(cloud, 'owner')
  const change = (original_password: string) =>
    call('POST', v3(`/users/${person.userId}/password`), { body: { user: { original_password, password: 'new one' } } })
  ;(await change('not it')).expect(401)
  const token = await person.token()
  ;(await change(person.password)).expect(204)
  await refused(token)
  ;(await login(cloud, { user: 'owner', password: person.password })).expect(401)
  ;(await login(cloud, { user: 'owner', password: 'new one' })).expect(201)
  assert.equal((await asAdmin('GET', `/users/${person.userId}`)).get('user.password'), undefined)
})

test('an application credential carries its roles, cannot rescope, and dies with them', async () => {
  const person = await newPerson(cloud, 'robot owner')
  const path = `/users/${person.userId}/application_credentials`
  const body = { application_credential: { name: 'robot', roles: [{ name: 'reader' }] } }
  const token = await person.token()
  const made = (await call('POST', v3(path), { token, body })).expect(201)
  ;(await call('POST', v3(path), { token, body })).expect(409)
  const more = { application_credential: { name: 'more', roles: [{ name: 'admin' }] } }
  ;(await call('POST', v3(path), { token, body: more })).expect(400)
  const [id, secret] = [made.string('application_credential.id'), made.string('application_credential.secret')]
  const shown = (await call('GET', v3(`${path}/${id}`), { token })).expect(200)
  assert.equal(shown.get('application_credential.secret'), undefined)
  const enter = (given: object, scope?: object) => {
    const identity = { methods: ['application_credential'], application_credential: given }
    return call('POST', v3('/auth/tokens'), { body: { auth: { identity, ...(scope === undefined ? {} : { scope }) } } })
  }
  const robot = tokenOf(await enter({ id, secret }))
  assert.deepEqual((await cloud.identity.port.validate(robot)).roles, ['reader'])
  const user = { id: person.userId }
  tokenOf(await enter({ name: 'robot', user, secret }))
  ;(await enter({ id, secret: 'wrong' })).expect(401)
  ;(await enter({ id, secret }, { project: { id: person.projectId } })).expect(401)
  const rescope = { auth: { identity: { methods: ['token'], token: { id: robot } } } }
  ;(await call('POST', v3('/auth/tokens'), { body: rescope })).expect(403)
  ;(await call('POST', v3(path), { token: robot, body })).expect(403)
  ;(await call('DELETE', v3(`${path}/${id}`), { token })).expect(204)
  await refused(robot)
})

test('of many who take the same name at once, one gets it', async () => {
  const create = () => asAdmin('POST', '/users', { user: { name: 'wanted' } })
  const replies = await Promise.all(Array.from({ length: 12 }, create))
  assert.deepEqual(replies.map(reply => reply.status).sort(), [201, ...Array.from({ length: 11 }, () => 409)])
  const lost = replies.find(reply => reply.status === 409)
  assert.equal(
    lost?.get('error.message'),
    'Conflict occurred attempting to store user - Duplicate entry found with name wanted at domain ID default.',
  )
})

test('guessing passwords stalls neither the process nor the login of others', async () => {
  const victim = await newPerson(cloud, 'victim')
  let guessed = 0
  const guesses = Array.from({ length: 24 }, async (_, i) => {
    const reply = await login(cloud, { user: victim.name, password: `guess ${i}`, project: victim.name })
    guessed++
    reply.expect(401)
  })
  await cloud.identity.port.validate(admin)
  ;(await call('GET', cloud.identityUrl)).expect(300)
  assert.ok(guessed < 20, `an unrelated request waited for ${guessed} guesses`)
  await adminToken(cloud)
  assert.ok(guessed < 20, `another login waited for ${guessed} guesses`)
  await Promise.all(guesses)
})

test('projects: tree, tags, and what must not be deleted', async () => {
  const top = (await asAdmin('POST', '/projects', { project: { name: 'top', tags: ['a', 'b'] } })).expect(201)
  const id = top.string('project.id')
  assert.equal(top.get('project.parent_id'), 'default')
  const below = await asAdmin('POST', '/projects', { project: { name: 'below', parent_id: id } })
  const belowId = below.expect(201).string('project.id')
  ;(await asAdmin('DELETE', `/projects/${id}`)).expect(403)
  ;(await asAdmin('PATCH', `/projects/${id}`, { project: { enabled: false } })).expect(403)
  assert.deepEqual((await asAdmin('GET', '/projects?tags=a,b')).each('projects', 'name'), ['top'])
  assert.deepEqual((await asAdmin('GET', `/projects?parent_id=${id}`)).each('projects', 'name'), ['below'])
  assert.deepEqual((await asAdmin('GET', `/projects/${belowId}?parents_as_ids`)).get('project.parents'), { [id]: null })
  ;(await asAdmin('PUT', `/projects/${id}/tags/c`)).expect(201)
  assert.deepEqual((await asAdmin('GET', `/projects/${id}/tags`)).get('tags'), ['a', 'b', 'c'])
  const taken = (await asAdmin('POST', '/projects', { project: { name: 'top' } })).expect(409)
  assert.match(taken.string('error.message'), /^Conflict occurred attempting to store project - /)
})

test('a domain is deleted only when disabled, and then with all that is in it', async () => {
  const id = (await asAdmin('POST', '/domains', { domain: { name: 'island' } })).expect(201).string('domain.id')
  const user = { name: 'castaway', domain_id: id, password: 'coconut' }
  const userId = (await asAdmin('POST', '/users', { user })).expect(201).string('user.id')
  const project = { name: 'raft', domain_id: id }
  const projectId = (await asAdmin('POST', '/projects', { project })).expect(201).string('project.id')
  ;(await asAdmin('PATCH', `/users/${userId}`, { user: { default_project_id: projectId } })).expect(200)
  ;(await asAdmin('DELETE', `/domains/${id}`)).expect(403)
  ;(await asAdmin('PATCH', `/domains/${id}`, { domain: { enabled: false } })).expect(200)
  ;(await login(cloud, { user: 'castaway', password: 'coconut', domain: id })).expect(401)
  ;(await asAdmin('DELETE', `/domains/${id}`)).expect(204)
  ;(await asAdmin('GET', `/users/${userId}`)).expect(404)
  ;(await asAdmin('GET', `/projects/${projectId}`)).expect(404)
  ;(await asAdmin('DELETE', '/domains/default')).expect(403)
})

test('the catalogue leaves out an endpoint that needs a project when there is none', async () => {
  const service = await asAdmin('POST', '/services', { service: { type: 'sample', name: 'sample' } })
  const id = service.expect(201).string('service.id')
  const endpoint = { service_id: id, interface: 'public', url: 'http://x/v1/$(project_id)s', region_id: 'RegionOne' }
  ;(await asAdmin('POST', '/endpoints', { endpoint })).expect(201)
  const bad = { ...endpoint, url: 'http://x/$(nonsense)s' }
  ;(await asAdmin('POST', '/endpoints', { endpoint: bad })).expect(400)
  const inProject = await login(cloud, { user: 'admin', password: adminPassword, project: 'admin' })
  const { adminProjectId } = cloud.identity.bootstrapped
  const at = inProject.each('token.catalog', 'type').indexOf('sample')
  assert.equal(inProject.get(`token.catalog.${at}.endpoints.0.url`), `http://x/v1/${adminProjectId}`)
  const system = await login(cloud, { user: 'admin', password: adminPassword, scope: { system: { all: true } } })
  assert.deepEqual(system.get(`token.catalog.${at}.endpoints`), [])
  ;(await asAdmin('DELETE', `/services/${id}`)).expect(204)
})

test('the service caller is user nova of project service', async () => {
  const caller = await cloud.identity.port.serviceCaller()
  assert.equal(caller.projectName, 'service')
  assert.ok(caller.roles.includes('admin') && caller.roles.includes('service'))
  assert.equal((await cloud.identity.port.serviceCaller()).token, caller.token)
  assert.equal(await cloud.identity.port.endpoint('image', 'internal'), cloud.imageUrl)
  assert.equal(await cloud.identity.port.project('none such'), undefined)
})

test('tokens outlive a restart and end on time', async () => {
  const clock = new ManualClock()
  const own = newFolder()
  try {
    const first = await startCloud({ folder: own, clock, tokenLifetimeMs: 60_000 })
    const token = await adminToken(first)
    const service = await first.identity.port.serviceCaller()
    await first.close()
    const second = await startCloud({ folder: own, clock, tokenLifetimeMs: 60_000 })
    try {
      assert.equal((await second.identity.port.validate(token)).userName, 'admin')
      clock.advance(59_999)
      await second.identity.port.validate(token)
      clock.advance(1)
      await assert.rejects(second.identity.port.validate(token), TokenInvalid.is)
      const renewed = await second.identity.port.serviceCaller()
      assert.notEqual(renewed.token, service.token)
      await second.identity.port.validate(renewed.token)
    } finally {
      await second.close()
    }
  } finally {
    removeFolder(own)
  }
})
