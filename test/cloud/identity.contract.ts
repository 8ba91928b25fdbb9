import assert from 'node:assert/strict'
import { test } from 'node:test'
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

  test(`${how}: endpoints come from the catalogue`, async () => {
    const { builtIn, ports } = world()
    assert.equal(await ports.identity.endpoint('image', 'public'), builtIn.urls.image)
    assert.equal(await ports.identity.endpoint('no-such-service', 'public'), undefined)
  })
}
