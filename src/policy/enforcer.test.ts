import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ManualClock, silentLog } from '#base'
import { type Credentials, Enforcer, novaDefaults, PolicyFileInvalid, PolicyNotRegistered } from './index.ts'

const caller = (roles: string[], more: Partial<Credentials> = {}): Credentials => ({
  userId: 'u1',
  userDomainId: 'default',
  projectId: 'p1',
  projectDomainId: 'default',
  domainId: null,
  systemScope: false,
  roles,
  ...more,
})
const reader = caller(['reader'])
const member = caller(['member', 'reader'])
const manager = caller(['manager', 'member', 'reader'])
const admin = caller(['admin', 'manager', 'member', 'reader'])
const service = caller(['service'])
const own = { project_id: 'p1', user_id: 'u1' }
const foreign = { project_id: 'p2', user_id: 'u2' }

describe('the enforcer', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'policy-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const plain = () => new Enforcer({ defaults: novaDefaults, log: silentLog, clock: new ManualClock() })
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  const table: readonly [rule: string, who: Record<string, Credentials>, target: object, may: string][] = [
    ['os_compute_api:servers:show', { reader, member, admin }, own, 'reader member admin'],
    ['os_compute_api:servers:show', { reader, member, admin }, foreign, 'admin'],
    ['os_compute_api:servers:create', { reader, member, manager, admin }, own, 'member manager admin'],
    ['os_compute_api:os-migrate-server:migrate', { member, manager, admin }, own, 'manager admin'],
    ['os_compute_api:os-migrate-server:migrate:host', { member, manager, admin }, own, 'admin'],
    ['os_compute_api:os-keypairs:show', { reader, admin }, own, 'reader admin'],
    ['os_compute_api:os-keypairs:show', { reader, admin }, foreign, 'admin'],
    ['os_compute_api:os-server-external-events:create', { member, service, admin }, own, 'service admin'],
    ['compute:servers:resize:cross_cell', { member, admin }, own, ''],
    ['os_compute_api:os-availability-zone:list', { reader, service }, foreign, 'reader service'],
  ]
  for (const [rule, who, target, may] of table) {
    test(`${rule} on ${target === own ? 'own' : "another project's"} things: ${may || 'nobody'}`, () => {
      const enforcer = plain()
      const granted = Object.entries(who).filter(
        ([, c]) => enforcer.allow(rule, c, target as Record<string, string>).ok,
      )
      assert.equal(granted.map(([name]) => name).join(' '), may)
    })
  }

  test('a refusal names the rule and says what was missing', () => {
    assert.deepEqual(plain().allow('os_compute_api:servers:create', reader, own), {
      ok: false,
      rule: 'os_compute_api:servers:create',
      why: 'needs rule:project_member_or_admin; the token has the roles reader in project p1',
    })
  })

  test('a system token is refused by rules for projects, unless scopes are not enforced', () => {
    const system = caller(['admin', 'reader'], { systemScope: true, projectId: null })
    const verdict = plain().allow('os_compute_api:os-services:list', system, own)
    assert.deepEqual(verdict.ok ? '' : verdict.why, 'needs a project scoped token, this one is system scoped')
    const lax = new Enforcer({ defaults: novaDefaults, enforceScope: false, log: silentLog, clock: new ManualClock() })
    assert.equal(lax.allow('os_compute_api:os-services:list', system, own).ok, true)
  })

  test('an unknown rule is a bug', () => {
    assert.throws(() => plain().allow('nova:nothing', admin, own), PolicyNotRegistered.is)
  })

  test('files override, directories override files, unknown rules may be referred to, changes are seen', () => {
    const clock = new ManualClock()
    const path = file('policy.yaml', '# comment\n"os_compute_api:servers:create": "rule:ours"\n"ours": "role:reader"\n')
    const dir = join(folder, 'policy.d')
    mkdirSync(dir)
    writeFileSync(join(dir, '10-more.yaml'), '"os_compute_api:servers:show": "!"\n')
    const enforcer = new Enforcer({ defaults: novaDefaults, file: path, dirs: [dir], log: silentLog, clock })
    const may = (rule: string) => enforcer.allow(`os_compute_api:servers:${rule}`, reader, own).ok
    assert.deepEqual([may('create'), may('show')], [true, false])
    assert.equal(enforcer.rules().find(r => r.name === 'ours')?.from, 'file')
    writeFileSync(path, '{"os_compute_api:servers:create": "role:nobody-has-this"}')
    assert.equal(may('create'), true, 'looked at no more than once a second')
    clock.advance(1001)
    assert.equal(may('create'), false)
    writeFileSync(path, '"broken: [')
    clock.advance(1001)
    assert.deepEqual([may('create'), may('show')], [false, false], 'a broken file changes nothing')
  })

  test('a broken file at the start is an error with the path', () => {
    const path = file('broken.yaml', 'a: b: c')
    assert.throws(
      () => new Enforcer({ defaults: novaDefaults, file: path, log: silentLog, clock: new ManualClock() }),
      error => PolicyFileInvalid.is(error) && error.message.includes(path),
    )
  })

  test('an override of an old name counts for its successors', () => {
    const path = file(
      'old.yaml',
      '"os_compute_api:os-services": "role:reader"\n"os_compute_api:os-hosts": "rule:os_compute_api:os-hosts:list"\n',
    )
    const enforcer = new Enforcer({ defaults: novaDefaults, file: path, log: silentLog, clock: new ManualClock() })
    assert.equal(enforcer.allow('os_compute_api:os-services:list', reader, own).ok, true)
    assert.equal(enforcer.allow('os_compute_api:os-hosts:list', reader, own).ok, false)
    assert.equal(enforcer.rules().find(r => r.name === 'os_compute_api:os-services:list')?.from, 'old name in file')
  })

  test('rules that refer to each other in a circle refuse', () => {
    const path = file(
      'circle.yaml',
      '"a": "rule:b"\n"b": "rule:a"\n"os_compute_api:servers:show": "rule:a or role:admin"\n',
    )
    const enforcer = new Enforcer({ defaults: novaDefaults, file: path, log: silentLog, clock: new ManualClock() })
    assert.equal(enforcer.allow('os_compute_api:servers:show', reader, own).ok, false)
    assert.equal(enforcer.allow('os_compute_api:servers:show', admin, own).ok, true)
  })

  test('no rule is shipped twice', () => {
    assert.equal(new Set(novaDefaults.map(d => d.name)).size, novaDefaults.length)
  })
})
