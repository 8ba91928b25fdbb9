import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { TestCloud } from '../guests/cloud.ts'
import { offsetOf } from '../offsets.ts'
import { runLauncher } from './processes.ts'

/** The operator's policy.yaml, beside nova.conf: what nova-policy tells of it, and that the Compute API lives by it. */

const folder = mkdtempSync(join(tmpdir(), 'nova-policy-'))
const config = join(folder, 'nova.conf')
const policyFile = join(folder, 'policy.yaml')
after(() => rmSync(folder, { recursive: true }))

const show = 'os_compute_api:servers:show'
const nobody: Record<string, string> = { OS_ROLES: '', OS_USER_ID: '', OS_TENANT_ID: '' }

const check = (globals: readonly string[], options: readonly string[], env: Record<string, string> = {}) =>
  runLauncher('nova-policy', ['--config-file', config, ...globals, 'policy', 'check', ...options], {
    ...nobody,
    ...env,
  })

describe('nova-policy', () => {
  before(() => writeFileSync(config, `[database]\nconnection = sqlite:///${join(folder, 'nova.sqlite')}\n`))
  after(() => rmSync(policyFile, { force: true }))

  test('names the rules that let a user pass', async () => {
    const mine = ['--os-user-id', 'u', '--os-tenant-id', 'p', '--os-roles', 'reader']
    const found = await check(mine, ['--api-name', 'servers:'])
    assert.equal(found.code, 0)
    const names = found.stdout.trim().split('\n')
    assert.ok(names.includes(show))
    assert.ok(!names.includes('os_compute_api:servers:create'))
    const environment = { OS_ROLES: 'reader', OS_USER_ID: 'u', OS_TENANT_ID: 'p' }
    assert.deepEqual(await check([], ['--api-name', 'servers:'], environment), found)
    const asJson = await check(mine, ['--api-name', 'servers:', '--json'])
    assert.deepEqual(JSON.parse(asJson.stdout), names)
  })

  test('a target in another project, and rules that nobody passes', async () => {
    const mine = ['--os-tenant-id', 'p', '--os-roles', 'reader']
    const foreign = await check(mine, ['--api-name', show, '--target', 'project_id=q', 'user_id=u'])
    assert.deepEqual([foreign.code, foreign.stdout], [1, 'No rules matched or allowed\n'])
    const own = await check(mine, ['--api-name', show, '--target', 'project_id=p'])
    assert.equal(own.code, 0)
    assert.ok(own.stdout.split('\n').includes(show))
  })

  test('what the operator wrote counts', async () => {
    writeFileSync(policyFile, `"${show}": "role:auditor and not project_id:q"\n`)
    const auditor = ['--os-roles', 'auditor', '--os-tenant-id', 'p']
    assert.equal((await check(auditor, ['--api-name', show])).stdout, `${show}\n`)
    const elsewhere = await check(['--os-roles', 'auditor', '--os-tenant-id', 'q'], ['--api-name', show])
    assert.deepEqual([elsewhere.code, elsewhere.stdout], [1, 'No rules matched or allowed\n'])
    const admin = await check(['--os-roles', 'admin'], ['--api-name', show])
    assert.ok(!admin.stdout.split('\n').includes(show))
    writeFileSync(policyFile, '- not\n- rules\n')
    const broken = await check(auditor, [])
    assert.equal(broken.code, 1)
    assert.match(broken.stdout, /^error: The policy file .*policy\.yaml cannot be read: .*\n$/)
    rmSync(policyFile)
  })

  test('wrong input is one line, or the usage', async () => {
    const unknown = await check([], ['--target', 'color=red'])
    assert.deepEqual([unknown.code, unknown.stdout], [1, 'error: Attribute not supported: color\n'])
    const id = newUuid()
    const missing = await check(['--os-roles', 'admin'], ['--target', `instance_id=${id}`])
    assert.deepEqual([missing.code, missing.stdout], [1, `error: Instance ${id} could not be found.\n`])
    for (const words of [[], ['policy'], ['policy', 'check', '--nonsense']]) {
      const answer = await runLauncher('nova-policy', words)
      assert.equal(answer.code, 2)
      assert.match(answer.stderr, /Usage: nova-policy/)
    }
  })
})

describe('the Compute API under a policy.yaml', { concurrency: false }, () => {
  const cloud = new TestCloud(offsetOf('bin/policy'))
  after(() => cloud.destroy())

  test('the file is obeyed, and obeyed again when it changes; a server stands for its owner', async () => {
    writeFileSync(config, '[DEFAULT]\n')
    writeFileSync(policyFile, '"os_compute_api:servers:index": "!"\n')
    const ready = await cloud.start('--hypervisor', 'fake', '--config-file', config)
    const { compute = '', identity = '' } = ready.urls
    const rc = readFileSync(ready.openrc, 'utf8')
    const password = /OS_PASSWORD='(.+)'/.exec(rc)?.[1] ?? ''
    const user = { name: 'admin', domain: { id: 'default' }, password }
    const scope = { project: { name: 'admin', domain: { id: 'default' } } }
    const login = await fetch(`${identity}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
    })
    assert.equal(login.status, 201)
    const headers = { 'x-auth-token': login.headers.get('x-subject-token') ?? '' }
    const list = () => fetch(`${compute}/servers`, { headers })
    const refused = await list()
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /Policy doesn't allow os_compute_api:servers:index to be performed\./)
    writeFileSync(policyFile, '"os_compute_api:servers:index": "role:admin"\n')
    const isAllowed = async () => ((await list()).status === 200 ? true : undefined)
    await waitFor('the changed rule to be in force', isAllowed, { deadlineMs: 60_000, everyMs: 100 })
    const { servers } = (await (await list()).json()) as { servers: readonly { id: string }[] }
    const [first] = servers
    assert.ok(first !== undefined)
    writeFileSync(config, `[database]\nconnection = sqlite:///${join(cloud.stateDir, 'nova.sqlite')}\n`)
    const own = await check(
      ['--os-roles', 'member', '--os-tenant-id', 'somebody'],
      ['--target', `instance_id=${first.id}`],
    )
    assert.equal(own.stdout.includes(`${show}\n`), false)
    assert.equal(own.code, 0)
  })
})
