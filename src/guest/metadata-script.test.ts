/** The parser of the guest (rootfs/lib/guest/metadata.awk), run by the same busybox that the guest has. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'guest-awk-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const program = join(import.meta.dirname, 'rootfs/lib/guest/metadata.awk')

function parse(meta: string, network?: string): { settings: string; keys: string; shown: string } {
  for (const name of ['network_data.json', 'console', 'keys']) rmSync(join(folder, name), { force: true })
  writeFileSync(join(folder, 'meta_data.json'), meta)
  if (network !== undefined) writeFileSync(join(folder, 'network_data.json'), network)
  const variables = ['-v', `dir=${folder}`, '-v', 'drive=1', '-v', `console=${join(folder, 'console')}`]
  const settings = execFileSync('/bin/busybox', ['awk', ...variables, '-f', program], {
    encoding: 'utf8',
    timeout: 5000,
  })
  return {
    settings,
    keys: readFileSync(join(folder, 'keys'), 'utf8'),
    shown: readFileSync(join(folder, 'console'), 'utf8'),
  }
}

/** What a shell makes of the assignments. */
const valueOf = (settings: string, name: string): string =>
  execFileSync('/bin/busybox', ['sh', '-c', `${settings}\nprintf %s "$${name}"`], { encoding: 'utf8' })

test('takes the top-level host name, not a key of the user called hostname', () => {
  const { settings } = parse(
    '{"meta": {"hostname": "evil"}, "hostname": "vm.novalocal", "uuid": "u-1", "x": [1, {"hostname": "no"}]}',
  )
  assert.equal(valueOf(settings, 'hostname'), 'vm.novalocal')
  assert.equal(valueOf(settings, 'uuid'), 'u-1')
})

test('keeps quotes, backslashes and shell characters of values as they are', () => {
  const name = `it's "a" \\ $(reboot) \`x\` / end\\`
  assert.equal(valueOf(parse(JSON.stringify({ name, hostname: 'h' })).settings, 'name'), name)
  assert.equal(valueOf(parse(JSON.stringify({ name, hostname: 'h' })).settings, 'hostname'), 'h')
})

test('writes every line of every public key', () => {
  const keys = { 'a.b': 'ssh-ed25519 AAA me@x\n', two: 'ssh-rsa B\nssh-rsa C\n' }
  const { settings, keys: written } = parse(JSON.stringify({ public_keys: keys }))
  assert.equal(written, 'ssh-ed25519 AAA me@x\nssh-rsa B\nssh-rsa C\n')
  assert.equal(valueOf(settings, 'keys'), '3')
})

test('names the shares to mount, and none that a shell would stumble over', () => {
  const devices = [
    { type: 'disk', serial: 'x' },
    { type: 'share', tag: 'docs-1' },
    { type: 'share', tag: '$(reboot)' },
  ]
  const { settings } = parse(JSON.stringify({ uuid: 'u', devices }))
  assert.deepEqual(
    settings.split('\n').filter(line => line.startsWith('mount_share')),
    ['mount_share docs-1'],
  )
})

test('hides secrets from the console and still applies them', () => {
  const { settings, shown } = parse('{"admin_pass": "hunter22", "random_seed": "c2VlZA==", "uuid": "u"}')
  assert.match(shown, /^guest: meta_data\.json \{/)
  assert.doesNotMatch(shown, /hunter22|c2VlZA/)
  assert.equal(valueOf(settings, 'admin_pass'), 'hunter22')
})

test('prints static addresses with their routes, and ends on broken documents', () => {
  const routes = [
    { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.1.0.1' },
    { network: '10.9.0.0', netmask: '255.255.192.0', gateway: '10.1.0.2' },
  ]
  const network = JSON.stringify({
    links: [{ id: 'tap1', ethernet_mac_address: 'fa:16:3e:00:00:01', mtu: 1450 }],
    networks: [
      { id: 'network0', type: 'ipv4_dhcp', link: 'tap1' },
      { id: 'network1', type: 'ipv4', link: 'tap1', ip_address: '10.1.0.5', netmask: '255.255.252.0', routes },
    ],
    services: [],
  })
  const lines = parse('{}', network)
    .settings.split('\n')
    .filter(line => line.startsWith('static_'))
  assert.deepEqual(lines, [
    'static_address fa:16:3e:00:00:01 10.1.0.5/22',
    'static_route 0.0.0.0/0 10.1.0.1',
    'static_route 10.9.0.0/18 10.1.0.2',
  ])
  for (const broken of ['{', '{"a": "b', '{"hostname" "x"}', '[[[', 'null', '{"a": [1, 2']) {
    assert.equal(valueOf(parse(broken).settings, 'keys'), '0', broken)
  }
})
