import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenInvalid } from '#cloud'
import { newPerson, unique, type World } from './world.ts'

export function identityContract(how: string, world: () => World): void {
  test(`${how}: a token says who, where and with which roles`, async () => {
    const { name, rest, caller } = await newPerson(world(), `alice ${how}`)
    assert.deepEqual(
      { ...caller, roles: caller.roles.toSorted(), expiresAtMs: 0 },
      {
        userId: rest.userId,
        userName: name,
        userDomainId: 'default',
        userDomainName: 'Default',
        projectId: rest.projectId,
        projectName: name,
        projectDomainId: 'default',
        projectDomainName: 'Default',
        roles: ['member', 'reader'],
        systemScope: false,
        domainId: null,
        token: rest.token,
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
    const { admin, ports } = world()
    const { projects } = await admin.call<{ projects: { id: string }[] }>('identity', 'GET', '/projects?name=demo')
    const id = projects[0]?.id ?? ''
    assert.deepEqual(await ports.identity.project(id), { id, name: 'demo', domainId: 'default', enabled: true })
    for (const other of ['default', 'no such', '../users']) {
      assert.equal(await ports.identity.project(other), undefined)
    }
  })

  test(`${how}: limits are the registered defaults, and a project's own over them`, async () => {
    const { admin, ports } = world()
    const post = <T = unknown>(path: string, body: unknown) => admin.call<T>('identity', 'POST', path, body)
    const wish = { service: { type: 'compute', name: unique(`nova ${how}`) } }
    const service_id = (await post<{ service: { id: string } }>('/services', wish)).service.id
    const name = `class:CUSTOM_${unique(how).replace(/\W/g, '_').toUpperCase()}`
    assert.equal((await ports.identity.limits(null))[name], undefined)
    await post('/registered_limits', { registered_limits: [{ service_id, resource_name: name, default_limit: 7 }] })
    const project_id = (await newPerson(world(), `limited ${how}`)).rest.projectId
    assert.equal((await ports.identity.limits(project_id))[name], 7)
    await post('/limits', { limits: [{ service_id, resource_name: name, resource_limit: 3, project_id }] })
    assert.equal((await ports.identity.limits(project_id))[name], 3)
    assert.equal((await ports.identity.limits('another project'))[name], 7)
    assert.equal((await ports.identity.limits(null))[name], 7)
  })

  test(`${how}: endpoints come from the catalogue`, async () => {
    const { admin, ports } = world()
    assert.equal(await ports.identity.endpoint('image', 'public'), admin.urlOf('image'))
    assert.equal(await ports.identity.endpoint('no-such-service', 'public'), undefined)
  })
}
