import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson } from '#base'
import { TokenInvalid } from '#cloud'
import { type BuiltIn, newPerson, type Ports } from './neighbours.ts'

export function identityContract(how: string, world: () => { builtIn: BuiltIn; ports: Ports }): void {
  test(`${how}: a token says who, where and with which roles`, async () => {
    const { builtIn, ports } = world()
    const name = `alice ${how}`
    const person = await newPerson(builtIn, name)
    const caller = await ports.identity.validate(person.token)
    assert.deepEqual(
      { ...caller, roles: caller.roles.toSorted(), expiresAtMs: 0 },
      {
        userId: person.userId,
        userName: name,
        userDomainId: 'default',
        userDomainName: 'Default',
        projectId: person.projectId,
        projectName: name,
        projectDomainId: 'default',
        projectDomainName: 'Default',
        roles: ['member', 'reader'],
        systemScope: false,
        domainId: null,
        token: person.token,
        expiresAtMs: 0,
      },
    )
    assert.ok(caller.expiresAtMs > Date.parse('2020-01-01'))
  })

  test(`${how}: what is no token is refused with 401`, async () => {
    const { identity } = world().ports
    for (const token of ['', 'unknown', 'with\nnewline', 'ünprintable', 'x'.repeat(9000)]) {
      await assert.rejects(identity.validate(token), error => TokenInvalid.is(error) && error.status === 401)
    }
  })

  test(`${how}: the service user acts in project service as admin`, async () => {
    const caller = await world().ports.identity.serviceCaller()
    assert.deepEqual([caller.userName, caller.projectName], ['nova', 'service'])
    assert.ok(caller.roles.includes('admin'))
    assert.equal((await world().ports.identity.validate(caller.token)).userId, caller.userId)
  })

  test(`${how}: projects are found by id, domains and nonsense are not`, async () => {
    const { builtIn, ports } = world()
    const id = builtIn.identityService.bootstrapped.demoProjectId
    assert.deepEqual(await ports.identity.project(id), { id, name: 'demo', domainId: 'default', enabled: true })
    for (const other of ['default', 'no such', '../users']) {
      assert.equal(await ports.identity.project(other), undefined)
    }
  })

  test(`${how}: limits are the registered defaults, and a project's own over them`, async () => {
    const { builtIn, ports } = world()
    const { token } = await ports.identity.serviceCaller()
    const identity = `${builtIn.urls.identity.replace(/\/v3$/, '')}/v3`
    const post = async (path: string, body: unknown) => {
      const headers = { 'content-type': 'application/json', 'x-auth-token': token }
      const answer = await fetch(`${identity}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      const text = await answer.text()
      assert.ok(answer.ok, text)
      return fromJson<{ service?: { id: string } }>(text)
    }
    const service_id = (await post('/services', { service: { type: 'compute', name: `nova ${how}` } })).service?.id
    const name = `class:CUSTOM_${how.replace(/\W/g, '_').toUpperCase()}`
    assert.equal((await ports.identity.limits(null))[name], undefined)
    await post('/registered_limits', { registered_limits: [{ service_id, resource_name: name, default_limit: 7 }] })
    const project_id = (await newPerson(builtIn, `limited ${how}`)).projectId
    assert.equal((await ports.identity.limits(project_id))[name], 7)
    await post('/limits', { limits: [{ service_id, resource_name: name, resource_limit: 3, project_id }] })
    assert.equal((await ports.identity.limits(project_id))[name], 3)
    assert.equal((await ports.identity.limits('another project'))[name], 7)
    assert.equal((await ports.identity.limits(null))[name], 7)
  })

  test(`${how}: endpoints come from the catalogue`, async () => {
    const { builtIn, ports } = world()
    assert.equal(await ports.identity.endpoint('image', 'public'), builtIn.urls.image)
    assert.equal(await ports.identity.endpoint('no-such-service', 'public'), undefined)
  })
}
