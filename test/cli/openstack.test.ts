import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { TestCloud } from '../guests/cloud.ts'
import { offsetOf } from '../offsets.ts'

/** Every command a newcomer is promised, with Debian's client, unchanged, against simulated hosts. */

const cloud = new TestCloud(offsetOf('cli/openstack'))

/** Many commands in one process of the client: each would cost a second of start-up alone. */
async function session(commands: readonly string[]): Promise<string> {
  const env = { ...cloud.clientEnvironment(), COLUMNS: '200' }
  const client = spawn('openstack', [], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  client.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  client.stderr.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const ended = new Promise(resolve => client.once('close', resolve))
  client.stdin.end(`${commands.join('\n')}\n`)
  await ended
  return output
}

/** What the client says when something went wrong. */
const complaint =
  /(HTTP [45]\d\d|Exception|Traceback|Unknown command|usage:|error:|No \w+ (found|with a name)|could not be found|Unable to|Invalid|Failed)/i

async function allWork(...commands: string[]): Promise<string> {
  const output = await session(commands)
  assert.doesNotMatch(output, complaint)
  return output
}

describe('the openstack client', { concurrency: false }, () => {
  before(async () => {
    await cloud.start('--hypervisor', 'fake')
  })
  after(() => cloud.destroy())

  test('flavors', async () => {
    const output = await allWork(
      'flavor create a1.tiny --id auto --ram 64 --disk 1 --vcpus 1',
      'flavor create secret --ram 64 --disk 1 --vcpus 1 --private --property hw:cpu_policy=shared',
      'flavor set secret --project demo --property quota:x=1',
      'flavor show secret',
      'flavor unset secret --property quota:x',
      'flavor unset secret --project demo',
      'flavor list --all --long',
      'flavor delete secret',
    )
    assert.match(output, /access_project_ids\s+\|\s+\['[0-9a-f]{32}'/)
    assert.match(output, /m1\.tiny/)
  })

  test('images', async () => {
    const file = join(cloud.stateDir, 'x.raw')
    writeFileSync(file, Buffer.alloc(4096, 7))
    const output = await allWork(
      `image create --file ${file} --disk-format raw --property a=b mine`,
      'image list',
      'image show mine',
      `image save --file ${file}.copy mine`,
      'image delete mine',
    )
    assert.match(output, /active/)
  })

  test('networks, subnets, ports, security groups', async () => {
    const output = await allWork(
      'network create lan',
      'subnet create --network lan --subnet-range 10.99.0.0/24 lan4',
      'network list',
      'network show lan',
      'subnet list',
      'subnet show lan4',
      'port create --network lan p0',
      'port list',
      'port show p0',
      'security group create web',
      'security group rule create --protocol tcp --dst-port 80 web',
      'security group rule list web',
      'security group list',
      'security group show web',
      'port delete p0',
      'subnet delete lan4',
      'network delete lan',
      'security group delete web',
    )
    assert.match(output, /10\.99\.0\.\d+/)
  })

  test('identity', async () => {
    const output = await allWork(
      'token issue',
      'catalog list',
      'project create team',
      'project list',
      'user create --project team --password pw worker',
      'user list',
      'role create auditor',
      'role list',
      'role add --user worker --project team member',
      'role assignment list --user worker --names',
      'application credential create robot',
      'application credential list',
    )
    assert.match(output, /compute/)
    assert.match(output, /worker@Default/)
  })

  test('servers', async () => {
    const output = await allWork(
      'keypair create k1',
      'port create --network private p1',
      'server create --flavor a1.tiny --port p1 --image cirros --security-group default --key-name k1 --wait vPoldeweg1',
      'server list',
      'floating ip create --port p1 public',
      'server list --long --all-projects',
      'server show vPoldeweg1',
      'console log show vPoldeweg1',
      'server pause vPoldeweg1',
      'server unpause vPoldeweg1',
      'server reboot --wait vPoldeweg1',
      'server reboot --hard --wait vPoldeweg1',
      'server stop vPoldeweg1',
      'server set --property a=b --name other vPoldeweg1',
      'server unset --property a other',
      'server lock other',
      'server unlock other',
      'server event list other',
      'server add network other private',
      'keypair list',
      'keypair show k1',
      'keypair delete k1',
      'server delete --wait other',
      'server list',
    )
    assert.match(output, /vPoldeweg1\s+\|\s+ACTIVE\s+\|\s+private=/)
    assert.match(output, /private=10[^|]*172\.24\.4\./)
  })

  test('hosts, limits, quotas, usage', async () => {
    const output = await allWork(
      'hypervisor list',
      'hypervisor list --long',
      'compute service list',
      'availability zone list',
      'availability zone list --compute --long',
      'limits show --absolute',
      'quota show',
      'quota show --default',
      'quota set --instances 7 demo',
      'quota show demo',
      'usage show',
      'usage list',
      'versions show --service compute',
    )
    assert.match(output, /nova-compute\s+\|\s+\S+\s+\|\s+nova\s+\|\s+enabled\s+\|\s+up/)
    assert.match(output, /instances\s+\|\s+7/)
    const name =
      (await cloud.json<{ 'Hypervisor Hostname': string }[]>('hypervisor', 'list'))[0]?.['Hypervisor Hostname'] ?? ''
    assert.match(await allWork(`hypervisor show ${name}`), /hypervisor_type/)
    assert.match(await cloud.openstack('--os-compute-api-version', '2.1', 'hypervisor', 'stats', 'show'), /vcpus/)
  })

  test('mistakes are told in a sentence', async () => {
    assert.match(
      await cloud.refused('server', 'create', '--flavor', 'nothing', '--image', 'cirros', 'x'),
      /No flavor|not find|Could not/i,
    )
    assert.match(
      await cloud.refused('flavor', 'create', 'a1.tiny', '--ram', '1', '--disk', '1', '--vcpus', '1'),
      /already exists/,
    )
    assert.match(await cloud.refused('keypair', 'show', 'nobody'), /No Keypair found|not found/)
  })
})
