/** nova-status upgrade check: before anything is set up, and beside real neighbours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson } from '#base'
import { region, servicePassword, startBuiltIn } from '../cloud/neighbours.ts'
import { addHost, aServer, Deployment } from './cloud.ts'

interface Checks {
  readonly name: string
  readonly checks: readonly { readonly check: string; readonly result: string; readonly details: string | null }[]
}

const resultsOf = (text: string) =>
  fromJson<Checks>(text)
    .checks.map(({ result }) => result[0])
    .join('')

test('a cloud without neighbours: a table of what has to be done, exit 2', async t => {
  const cloud = await Deployment.open('[oslo_policy]', 'policy_file = policy.json')
  t.after(() => cloud.close())
  const store = await cloud.store()
  await addHost(store, 'old')
  await store.cellMappings.add(
    {
      uuid: 'd6b9d5c8-0000-4000-8000-000000000000',
      name: 'cell1',
      transportUrl: 'x',
      databaseConnection: await cloud.url('nova'),
      isDisabled: false,
    },
    0,
  )
  cloud.write('policy.json', '{"os_compute_api:servers:create": "!"}')
  const { code, stdout, stderr } = await cloud.launchCheck()
  assert.deepEqual([code, stderr], [2, ''])
  const lines = stdout.split('\n')
  assert.match(lines[0] ?? '', /^\+-+\+$/)
  assert.match(lines[1] ?? '', /^\| Upgrade Check Results +\|$/)
  assert.equal(lines[2], lines[0])
  assert.match(
    stdout,
    /^\| Check: Cells v2 +\|\n\| Result: Failure +\|\n\| Details: There needs to be at least two cell mappings, one .*\|\n\| {3}\S/m,
  )
  assert.match(
    stdout,
    /^\| Check: Placement API +\|\n\| Result: Failure +\|\n\| Details: No credentials specified for placement API in /m,
  )
  assert.match(stdout, /^\| Check: Cinder API +\|\n\| Result: Success +\|\n\| Details: None +\|$/m)
  const { name, checks } = fromJson<Checks>((await cloud.check('--json')).stdout)
  assert.equal(name, 'Upgrade Check Results')
  assert.deepEqual(
    checks.map(({ check, result }) => [check, result]),
    [
      ['Cells v2', 'failure'],
      ['Placement API', 'failure'],
      ['Cinder API', 'success'],
      ['Policy File JSON to YAML Migration', 'failure'],
      ['Older than N-1 computes', 'failure'],
      ['hw_machine_type unset', 'success'],
      ['Service User Token Configuration', 'failure'],
    ],
  )
})

test('a database that is away: exit 255, in one line', async t => {
  const cloud = await Deployment.open('[cells]')
  t.after(() => cloud.close())
  cloud.write('nova.conf', '[database]\nmax_retries = 1\nconnection = mysql+pymysql://nova:secret@127.0.0.1:1/nova\n')
  const { code, stdout, stderr } = await cloud.check()
  assert.deepEqual([code, stdout], [255, ''])
  assert.match(stderr, /^nova-status: The database cannot be opened: .*127\.0\.0\.1:1/m)
  assert.doesNotMatch(stderr, /secret/)
})

test('beside Keystone, Placement and Cinder: all is well, or a warning', async t => {
  const builtIn = await startBuiltIn()
  t.after(() => builtIn.close())
  const account = [
    'auth_type = password',
    `auth_url = ${builtIn.urls.identity}`,
    'username = nova',
    `password = ${servicePassword.replaceAll('$', '$$')}`,
    'project_name = service',
    'user_domain_name = Default',
    'project_domain_name = Default',
    `region_name = ${region}`,
  ]
  const sections = ['placement', 'cinder', 'service_user'].flatMap(name => [`[${name}]`, ...account])
  const cloud = await Deployment.open(...sections, 'send_service_user_token = true')
  t.after(() => cloud.close())
  const store = await cloud.store()
  const fresh = await cloud.check('--json')
  assert.deepEqual([fresh.code, resultsOf(fresh.stdout)], [0, 'sssssss'], fresh.stdout)
  await store.instances.create([aServer('host-1')])
  const warned = await cloud.check('--json')
  assert.deepEqual([warned.code, resultsOf(warned.stdout)], [1, 'sssssws'])
  cloud.write('nova.conf', cloud.config.replace(`auth_url = ${builtIn.urls.identity}`, 'auth_url = http://127.0.0.1:1'))
  const lost = await cloud.check('--json')
  assert.equal(lost.code, 2)
  assert.equal(fromJson<Checks>(lost.stdout).checks[1]?.details, 'Discovery for placement API URI failed.')
})
