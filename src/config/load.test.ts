import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { changedOptions, type LoadOptions, loadConfig } from './load.ts'
import { configSample } from './sample.ts'
import { defaultConfigFiles } from './search.ts'

function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'config-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

function load(t: TestContext, text: string, options: LoadOptions = {}) {
  const path = folder(t, { 'nova.conf': text })
  return loadConfig({ files: [join(path, 'nova.conf')], env: {}, ...options })
}

test('defaults without any file', () => {
  const config = loadConfig({ env: {} })
  assert.equal(config.DEFAULT.osapi_compute_listen_port, 8774)
  assert.equal(config.DEFAULT.instances_path, '/var/lib/nova/instances')
  assert.equal(config.DEFAULT.my_block_storage_ip, config.DEFAULT.my_ip)
  assert.equal(config.DEFAULT.cpu_allocation_ratio, null)
  assert.deepEqual(config.filter_scheduler.enabled_filters.slice(0, 2), ['ComputeFilter', 'ComputeCapabilitiesFilter'])
  assert.equal(config.libvirt.snapshots_directory, '/var/lib/nova/instances/snapshots')
  assert.notEqual(config.DEFAULT.host, '')
})

test('types', t => {
  const config = load(
    t,
    `[DEFAULT]
debug = YES
report_interval =  7
cpu_allocation_ratio = 1.5e1
enabled_apis = osapi_compute, metadata ,
virt_mkfs = default=mkfs.ext4 -F %(target)s, x
virt_mkfs = windows=mkfs.ntfs
osapi_compute_workers =
[libvirt]
virt_type = qemu
`,
  )
  assert.equal(config.DEFAULT.debug, true)
  assert.equal(config.DEFAULT.report_interval, 7)
  assert.equal(config.DEFAULT.cpu_allocation_ratio, 15)
  assert.deepEqual(config.DEFAULT.enabled_apis, ['osapi_compute', 'metadata'])
  assert.deepEqual(config.DEFAULT.virt_mkfs, ['default=mkfs.ext4 -F %(target)s, x', 'windows=mkfs.ntfs'])
  assert.equal(config.DEFAULT.osapi_compute_workers, null)
  assert.equal(config.libvirt.virt_type, 'qemu')
})

test('references: own section first, then DEFAULT, another by name; $$ and \\$ are a dollar', t => {
  const config = load(
    t,
    `[DEFAULT]
state_path = /srv/nova
host = h
[glance]
username = u
password = \${username}-$host-\${libvirt.virt_type}-$$5-\\$6-$ 7
`,
  )
  assert.equal(config.glance.password, 'u-h-kvm-$5-$6-$ 7')
  assert.equal(config.DEFAULT.instances_path, '/srv/nova/instances')
})

test('later files win, repeated-key options grow, folders come after files', t => {
  const path = folder(t, {
    'a.conf': '[DEFAULT]\nhost = a\nmy_ip = 1\nvirt_mkfs = x=1\n',
    'b.conf': '[DEFAULT]\nhost = b\nvirt_mkfs = y=2\n',
  })
  mkdirSync(join(path, 'd'))
  writeFileSync(join(path, 'd', '20.conf'), '[DEFAULT]\nhost = second\n')
  writeFileSync(join(path, 'd', '10.conf'), '[DEFAULT]\nhost = first\nreport_interval = 3\n')
  writeFileSync(join(path, 'd', 'note.txt'), 'not read')
  const config = loadConfig({ files: [join(path, 'a.conf'), join(path, 'b.conf')], dirs: [join(path, 'd')], env: {} })
  assert.equal(config.DEFAULT.host, 'second')
  assert.equal(config.DEFAULT.my_ip, '1')
  assert.equal(config.DEFAULT.report_interval, 3)
  assert.deepEqual(config.DEFAULT.virt_mkfs, ['x=1', 'y=2'])
  assert.equal(config.files.length, 4)
})

test('environment over files, overrides over everything', t => {
  const env = { OS_DEFAULT__HOST: 'from-env', OS_LIBVIRT__VIRT_TYPE: 'qemu' }
  const config = load(t, '[DEFAULT]\nhost = from-file\n', { env, overrides: { libvirt: { virt_type: 'lxc' } } })
  assert.equal(config.DEFAULT.host, 'from-env')
  assert.equal(config.libvirt.virt_type, 'lxc')
})

test("a program's own defaults are weaker than any file", t => {
  const presets = { DEFAULT: { allow_resize_to_same_host: true, host: 'preset' } }
  assert.equal(load(t, '[DEFAULT]\n', { presets }).DEFAULT.allow_resize_to_same_host, true)
  const told = load(t, '[DEFAULT]\nallow_resize_to_same_host = false\n', { presets })
  assert.equal(told.DEFAULT.allow_resize_to_same_host, false)
  assert.equal(told.DEFAULT.host, 'preset')
})

test('all wrong values in one fault, with file and line', t => {
  assert.throws(
    () =>
      load(
        t,
        '[DEFAULT]\nreport_interval = soon\ndebug = maybe\nreport_interval = 0\n[libvirt]\nvirt_type = xen\n[api]\nmax_limit=$nix\n',
      ),
    (error: Error) => {
      const lines = error.message.split('\n').map(line => line.replace(/^.*\//, ''))
      assert.deepEqual(lines, [
        "nova.conf:3: Value for option DEFAULT.debug is not valid: Unexpected boolean value 'maybe'",
        'nova.conf:4: Value for option DEFAULT.report_interval is not valid: Should be greater than or equal to 1',
        'nova.conf:8: Value for option api.max_limit is not valid: no such option: $nix (write $$ for a dollar sign)',
        "nova.conf:6: Value for option libvirt.virt_type is not valid: Valid values are [kvm, lxc, qemu, parallels], but found 'xen'",
      ])
      return true
    },
  )
})

test('a value that refers to itself is refused', t => {
  assert.throws(() => load(t, '[DEFAULT]\nmy_ip = $my_block_storage_ip\n'), /refers to itself through \$my_ip/)
})

test('nodes of physical networks, as many sections as there are networks', t => {
  const config = load(t, '[neutron]\nphysnets = blue\n[neutron_physnet_blue]\nnuma_nodes = 0, 1\n')
  assert.deepEqual(config.physnetNodes, { blue: '0, 1' })
  assert.deepEqual(config.unknown, [])
})

test('unknown options are listed, old names still work and are told', t => {
  const config = load(t, '[DEFAULT]\nosapi_max_limit = 50\nvnc_keymap = de\n[ironic]\nx = 1\n')
  assert.equal(config.api.max_limit, 50)
  assert.deepEqual(
    config.unknown.map(entry => `${entry.section}.${entry.name} ${entry.place.replace(/^.*\//, '')}`),
    ['DEFAULT.vnc_keymap nova.conf:3', 'ironic.x nova.conf:5'],
  )
  assert.match(
    config.warnings.join(),
    /nova.conf:2: Option "osapi_max_limit" from group "DEFAULT" is deprecated\. Use option "api\.max_limit"\./,
  )
})

test('the current name wins over an old one in the same file', t => {
  assert.equal(load(t, '[api]\nmax_limit = 7\n[DEFAULT]\nosapi_max_limit = 50\n').api.max_limit, 7)
})

test('a missing file or folder is named', () => {
  assert.throws(
    () => loadConfig({ files: ['/no/such.conf'] }),
    /Failed to find the configuration file \/no\/such\.conf/,
  )
  assert.throws(() => loadConfig({ dirs: ['/no/such.d'] }), /Failed to find the configuration file \/no\/such\.d/)
})

test('a reload tells what takes effect and what needs a restart', t => {
  const before = load(t, '[DEFAULT]\nhost = a\n')
  const after = load(t, '[DEFAULT]\nhost = b\ndebug = true\n')
  assert.deepEqual(changedOptions(before, after), { mutable: ['DEFAULT.debug'], fixed: ['DEFAULT.host'] })
})

test('the default search takes each file from the first folder that has it', t => {
  const home = folder(t, { 'nova.conf': '' })
  mkdirSync(join(home, '.nova'))
  mkdirSync(join(home, 'etc/nova'), { recursive: true })
  writeFileSync(join(home, 'etc/nova/nova.conf'), '')
  writeFileSync(join(home, 'etc/nova-compute.conf'), '')
  mkdirSync(join(home, 'etc/nova/nova.conf.d'))
  assert.deepEqual(defaultConfigFiles('nova-compute', { home, etc: join(home, 'etc') }), {
    files: [join(home, 'nova.conf'), join(home, 'etc/nova-compute.conf')],
    dirs: [join(home, 'etc/nova/nova.conf.d')],
  })
})

test('the sample reads back as the defaults', t => {
  const sample = configSample()
  assert.deepEqual(load(t, sample).unknown, [])
  // An empty repeated key would be a list of one empty text.
  const machine = /<(None|host name|own address)>|=$/
  const active = sample.replace(/^#(\w+ =.*)$/gm, (line, setting: string) => (machine.test(line) ? line : setting))
  const config = load(t, active)
  const { files: _files, ...values } = config
  const { files: _none, ...defaults } = loadConfig({ env: {} })
  assert.deepEqual(values, defaults)
})
