import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApi } from '#api/kit'
import { ManualClock, silentLog } from '#base'
import type { Caller } from '#cloud'
import type { Face } from '#http'
import { Enforcer, novaDefaults } from '#policy'
import { extensions } from './extensions/index.ts'
import { versions } from './versions/index.ts'

const caller: Caller = {
  userId: 'u1',
  userName: 'someone',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'a0',
  projectName: 'p',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  roles: ['reader'],
  systemScope: false,
  domainId: null,
  token: 'good',
  expiresAtMs: 0,
}

let face: Face
before(() => {
  const clock = new ManualClock()
  face = createApi({
    resources: [versions, extensions],
    deps: undefined,
    identity: {
      validate: async () => caller,
      project: async () => undefined,
      serviceCaller: async () => caller,
      limits: async () => ({}),
      endpoint: async () => undefined,
    },
    policy: new Enforcer({ defaults: novaDefaults, log: silentLog, clock }),
    log: silentLog,
    clock,
    hooks: { onBadReply: complaint => assert.fail(complaint.message) },
  })
})
after(() => face.close())

const get = async (url: string) => {
  const answer = await face.inject({ method: 'GET', url, headers: { host: 'nova:8774' } })
  return { status: answer.statusCode, body: answer.json<Record<string, never>>() as Record<string, unknown> }
}

test('extensions: a fixed list, longer on the old mount, each by its alias', async () => {
  const aliases = async (url: string) => ((await get(url)).body['extensions'] as { alias: string }[]).map(e => e.alias)
  const current = await aliases('/v2.1/extensions')
  const old = await aliases('/v2/extensions')
  assert.ok(current.includes('os-keypairs') && current.includes('OS-DCF'))
  assert.ok(old.length > current.length && current.every(alias => old.includes(alias)))
  assert.deepEqual((await get('/v2.1/extensions/os-keypairs')).body, {
    extension: {
      alias: 'os-keypairs',
      description: 'Keypair Support.',
      links: [],
      name: 'Keypairs',
      namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
      updated: '2014-12-03T00:00:00Z',
    },
  })
  assert.equal((await get('/v2.1/extensions/os-nothing')).status, 404)
})

test('one version by id', async () => {
  const shown = await get('/v2.1/versions/v2.1')
  assert.equal(shown.status, 200)
  assert.deepEqual((shown.body['version'] as { links: unknown[] }).links[0], {
    rel: 'self',
    href: 'http://nova:8774/v2.1/',
  })
  assert.equal((await get('/v2.1/versions/v9')).status, 404)
})
