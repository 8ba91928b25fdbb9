import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseStartOptions, startGroups } from '../../tools/setup/options.mjs'

const startScript = fileURLToPath(new URL('../../tools/start.mjs', import.meta.url))

test('all options together', () => {
  const options = parseStartOptions([
    '--hypervisor',
    'fake',
    '--hosts=12',
    '--offset',
    '100',
    '--state=/tmp/x',
    '--json',
  ])
  assert.deepEqual(options, { help: false, hypervisor: 'fake', image: undefined })
})

for (const [argv, words] of [
  [['--what'], /^Unknown option '--what' /],
  [['fake'], /^Unexpected argument 'fake'; options go after "--"/],
  [['--hypervisor', 'xen'], /^--hypervisor is libvirt or fake, not 'xen'/],
  [['--hypervisor'], /argument missing/],
  [['--bare=yes'], /does not take an argument/],
  [['--hosts', '3'], /^--hosts works only with --hypervisor fake/],
  [['--hosts', '0', '--hypervisor', 'fake'], /from 1 to 10000, not '0'/],
  [['--offset', '-1'], /./],
  [['--offset', '1e3'], /^--offset needs a whole number/],
  [['--state='], /^--state needs a folder/],
  [['--config-file', '/no/such.conf'], /^There is no configuration \/no\/such\.conf/],
  [['--image', '/no/such/file'], /^--image: there is no file \/no\/such\/file/],
]) {
  test(`refuses ${argv.join(' ')} in one line, exit code 2`, () => {
    const run = spawnSync(process.execPath, [startScript, ...argv], { encoding: 'utf8' })
    assert.equal(run.status, 2)
    assert.equal(run.stdout, '')
    assert.match(run.stderr, words)
    assert.equal(run.stderr.trimEnd().split('\n').length, 1)
  })
}

test('--help prints the options and installs nothing', () => {
  const run = spawnSync(process.execPath, [startScript, '--help'], { encoding: 'utf8', env: { PATH: '/nonexistent' } })
  assert.equal(run.status, 0)
  for (const name of ['state', 'offset', 'hypervisor', 'hosts', 'image', 'bare', 'json', 'config-file', 'config-dir']) {
    assert.match(run.stdout, new RegExp(`^ {2}--${name} `, 'm'))
  }
})

test('a fake hypervisor needs no hypervisor packages, an image of the user no compiler', () => {
  assert.deepEqual(startGroups({ hypervisor: 'fake' }), ['service', 'client'])
  assert.ok(startGroups({ hypervisor: 'libvirt' }).includes('guest-stock'))
  assert.ok(!startGroups({ hypervisor: 'libvirt', image: 'https://example.org/x.qcow2' }).includes('guest-tiny'))
})
