import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLog } from '#base'
import { loadConfig } from '#config'
import { configDriveFiles, createVendorData, type DriveImageOptions, writeDriveImage } from '#metadata'
import { aServer } from '../../src/metadata/sample.test-kit.ts'

const { api } = loadConfig({ env: {} })

const options = {
  dhcpDomain: api.dhcp_domain,
  skipVersions: api.config_drive_skip_versions.split(' '),
  vendorData: createVendorData({ config: api, log: silentLog }),
  randomSeed: () => Buffer.alloc(3, 1),
  adminPassword: 'gocubsgo',
  networkTemplate: 'auto eth0\n',
  files: [
    { path: '/etc/motd', content: Buffer.from('hello\n') },
    { path: '/etc/bin', content: Buffer.from([0, 255, 1]) },
  ],
}

const golden = new URL('./golden/config-drive.golden.json', import.meta.url)

test('every file of the drive, against the golden tree', async () => {
  const files = await configDriveFiles(aServer(), options)
  const tree = Object.fromEntries(files.map(({ path, content }) => [path, Buffer.from(content).toString('latin1')]))
  // UPDATE_GOLDEN=1 writes it anew; the difference is read in review.
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(new URL('.', golden), { recursive: true })
    writeFileSync(golden, `${JSON.stringify(tree, null, 2)}\n`)
  }
  assert.deepEqual(tree, JSON.parse(readFileSync(golden, 'utf8')))
})

test('which versions and documents are on the drive', async () => {
  const paths = (await configDriveFiles(aServer({ userData: null }), options)).map(file => file.path)
  assert.deepEqual(
    paths.filter(path => path.startsWith('ec2/')),
    ['ec2/2009-04-04/meta-data.json', 'ec2/latest/meta-data.json'],
  )
  assert.ok(!paths.some(path => path.includes('password') || path.includes('user')))
  assert.deepEqual(
    paths.filter(path => path.startsWith('openstack/2013')),
    [
      'openstack/2013-04-04/meta_data.json',
      'openstack/2013-10-17/meta_data.json',
      'openstack/2013-10-17/vendor_data.json',
    ],
  )
  assert.deepEqual(
    paths.filter(path => path.startsWith('openstack/content/')),
    ['0000', '0001', '0002'].map(id => `openstack/content/${id}`),
  )
})

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'drive-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const image = (path: string, overrides: Partial<DriveImageOptions> = {}): DriveImageOptions => ({
  path,
  files: [
    { path: 'openstack/latest/meta_data.json', content: Buffer.from('{"a": 1}') },
    { path: 'ec2/2009-04-04/meta-data.json', content: Buffer.from('{}') },
  ],
  format: 'iso9660',
  mkisofs: 'genisoimage',
  publisher: 'OpenStack Compute 33.0.0',
  ...overrides,
})

test('an ISO with label config-2 that isoinfo reads back', async t => {
  const path = join(folder(t), 'disk.config')
  await writeDriveImage(image(path))
  await writeDriveImage(image(path))
  const read = (...args: string[]) => execFileSync('isoinfo', ['-i', path, ...args], { encoding: 'utf8' })
  assert.match(read('-d'), /Volume id: config-2\n[\s\S]*Publisher id: OpenStack Compute 33\.0\.0\n/)
  assert.equal(read('-R', '-x', '/openstack/latest/meta_data.json'), '{"a": 1}')
  assert.equal(read('-J', '-x', '/openstack/latest/meta_data.json'), '{"a": 1}')
  assert.deepEqual(readdirSync(join(path, '..')), ['disk.config'])
})

test('a vfat drive with the same label and files', async t => {
  const path = join(folder(t), 'disk.config')
  await writeDriveImage(image(path, { format: 'vfat' }))
  const read = (...args: string[]) =>
    execFileSync(args[0] ?? '', args.slice(1), { encoding: 'utf8', env: { ...process.env, MTOOLS_SKIP_CHECK: '1' } })
  assert.equal(read('mtype', '-i', path, '::/openstack/latest/meta_data.json'), '{"a": 1}')
  assert.match(read('mlabel', '-s', '-i', path, '::'), /config-2/i)
})

test('a failing tool leaves the old image and no traces; leftovers of a crash do not matter', async t => {
  const path = join(folder(t), 'disk.config')
  await writeDriveImage(image(path))
  const before = readFileSync(path)
  writeFileSync(`${path}.new`, 'half')
  mkdirSync(`${path}.tree`)
  await assert.rejects(writeDriveImage(image(path, { mkisofs: '/no/such/tool' })), {
    message: 'The config drive could not be written: /no/such/tool: not installed',
  })
  assert.deepEqual(readFileSync(path), before)
  assert.ok(!existsSync(`${path}.new`) && !existsSync(`${path}.tree`))
})

test('a path that leaves the drive is refused', async t => {
  const path = join(folder(t), 'disk.config')
  const files = [{ path: '../../escape', content: Buffer.from('x') }]
  await assert.rejects(writeDriveImage(image(path, { files })), /may not leave it/)
  assert.ok(!existsSync(path))
})
