import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { key_pairs: 8 } })
})
after(() => cloud.close())

const point =
  'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEObvDID6nYamdzAlA9q/hEkJ3IIxlvAydOVtd/j7JEQtKUhXVJy8hUb9nWSBoYRwY2PJ4a07tIjq1yupS2RnI4='
const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBztkLMJIkfEOpJN+TqTx2IXrxigFUHU+wAuU38HuzhN me@here'

/** Made with ssh-keygen; the fingerprints are those of `ssh-keygen -l -E md5`. */
const known: Readonly<Record<string, readonly [string, string]>> = {
  rsa: [
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDB7wgjwx28/WNx0+gIhSBUEBcscNmVAOzcQ1a1sBi+nEp3flrWZG+JTG88NVvkUhOfBLQDK3qJn58Y7sEciiStSNp98yhKCaqcTNmvSKJC80rJqmFLlsaqqs8CWpzkNOcNdJYTpLh/Gzg9ItHpX3pU7OUnThjyUb8KJc6lB3SaKtLqmIOrxLufxLYMj4psPUIFjhIpMrGRLxG4YjcY+EJiuZ7r7YBG1sBkk9FyYnY9Zu7mQjjAQwStShAgMp01ekR/HtGBh/LCGeiMhfQQvJXHkuukhToPw1sWrbSBq5YVQkw7zUwF08Qs7oQzt0ryJJjmM66x0DsxVDBRyntvN1/t',
    'b8:ff:5d:eb:18:cc:a7:36:e4:eb:8f:7c:21:e8:7c:f3',
  ],
  'ed25519 with a comment': [ed25519, '1e:d2:26:4a:3b:9b:3c:b7:dc:35:6f:a3:60:6e:26:6a'],
  p256: [`ecdsa-sha2-nistp256 ${point}\n`, '75:83:66:b0:ff:6f:08:35:50:65:72:1e:d1:54:89:82'],
  p521: [
    'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABhC2DY3ICZGJS7n0eOwsN0Ic6B5iDtjedZAe4OIq7go7V2CMr9ZhiGMMTn7/v1ypS1sYyuOUEp5ovAuxAJfne14wGGL+3NGhuJ04tzBFBqIYMkjcT+/tbDo3z2FWKfdvZJJ0mJ0Q8InwctJnW4norX3OfsyE/gORojwJM/8/1X4yAW9w==',
    'af:d8:c6:47:21:75:9f:ee:c1:88:b4:10:b2:0a:3a:e8',
  ],
  'a key in hardware': [
    'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBztkLMJIkfEOpJN+TqTx2IXrxigFUHU+wAuU38HuzhNAAAABHNzaDo=',
    '8d:55:ea:da:ac:68:ff:dd:c9:ae:a1:e5:02:ca:96:31',
  ],
}

const make = (keypair: unknown, version = '2.2', as = cloud.member) =>
  cloud.request('POST', '/os-keypairs', { version, as, body: { keypair } })
const drop = (name: string) => cloud.request('DELETE', `/os-keypairs/${name}`, { version: '2.2' })

for (const [what, [public_key, fingerprint]] of Object.entries(known)) {
  test(`import: ${what}`, async () => {
    const { keypair } = (await make({ name: 'imported', public_key })).expect(201).body
    const { userId: user_id } = cloud.member
    assert.deepEqual(keypair, { name: 'imported', public_key, fingerprint, type: 'ssh', user_id })
    ;(await drop('imported')).expect(204)
  })
}

const offCurve = Buffer.from(point, 'base64').fill(1, 60).toString('base64')
const garbage: Readonly<Record<string, string>> = {
  nothing: '',
  words: 'this is no key',
  'bits of another type': `ssh-rsa ${point}`,
  'no padding': `ecdsa-sha2-nistp256 ${point.slice(0, -1)}`,
  'a point off the curve': `ecdsa-sha2-nistp256 ${offCurve}`,
  'cut off': `ssh-ed25519 ${ed25519.slice(12, 40)}`,
  'more than a key': `ecdsa-sha2-nistp256 ${Buffer.concat([Buffer.from(point, 'base64'), Buffer.alloc(3)]).toString('base64')}`,
  'an unknown type': 'ssh-foo AAAAB3NzaC1mb28=',
}
for (const [what, public_key] of Object.entries(garbage)) {
  test(`import refuses ${what}`, async () => {
    const answer = await make({ name: 'bad', public_key })
    answer.refuses(400, 'Keypair data is invalid: failed to generate fingerprint')
  })
}

test('generate: an RSA pair whose halves belong together', async () => {
  const { keypair } = (await make({ name: 'made' })).expect(201).body
  const [type, base64, comment] = keypair.public_key.split(' ')
  assert.deepEqual([type, comment], ['ssh-rsa', 'Generated-by-Nova'])
  assert.match(keypair.private_key, /^-----BEGIN RSA PRIVATE KEY-----\n/)
  const { n, e } = createPublicKey(createPrivateKey(keypair.private_key)).export({ format: 'jwk' })
  assert.equal(e, 'AQAB')
  assert.ok(Buffer.from(base64, 'base64').includes(Buffer.from(String(n), 'base64url')))
  const shown = (await cloud.request('GET', '/os-keypairs/made', { version: '2.2' })).expect(200).body.keypair
  assert.equal(shown.fingerprint, keypair.fingerprint)
  assert.ok(!('private_key' in shown))
  ;(await drop('made')).expect(204)
})

test('x509: generate a certificate for log-ins, import it again', async () => {
  const { keypair } = (await make({ name: 'windows', type: 'x509' })).expect(201).body
  const certificate = new X509Certificate(keypair.public_key)
  assert.equal(certificate.subject, `CN=${cloud.member.userId}`)
  assert.equal(keypair.fingerprint, certificate.fingerprint.toLowerCase())
  assert.ok(Buffer.from(keypair.private_key, 'base64').length > 1000)
  ;(await drop('windows')).expect(204)
  const again = await make({ name: 'windows', type: 'x509', public_key: keypair.public_key })
  assert.equal(again.expect(201).body.keypair.fingerprint, keypair.fingerprint)
  ;(await drop('windows')).expect(204)
  const bad = await make({ name: 'windows', type: 'x509', public_key: ed25519 })
  bad.refuses(400, /^Keypair data is invalid: failed to generate X509 fingerprint\. Error message: /)
})

test('2.1: no types, 200 and 202; the same record is whole in 2.2', async () => {
  const made = (await make({ name: 'old', public_key: ed25519 }, '2.1')).expect(200).body.keypair
  assert.deepEqual(Object.keys(made).sort(), ['fingerprint', 'name', 'public_key', 'user_id'])
  ;(await make({ name: 'old', type: 'ssh', public_key: ed25519 }, '2.1')).refuses(400, /Additional properties/)
  const shown = async (version: string) =>
    Object.keys((await cloud.request('GET', '/os-keypairs/old', { version })).expect(200).body.keypair).sort()
  const base = ['created_at', 'deleted', 'deleted_at', 'fingerprint', 'id', 'name', 'public_key', 'updated_at']
  assert.deepEqual(await shown('2.1'), [...base, 'user_id'].sort())
  assert.deepEqual(await shown('2.2'), [...base, 'user_id', 'type'].sort())
  const listed = (await cloud.request('GET', '/os-keypairs', { version: '2.1' })).expect(200).body
  assert.deepEqual(Object.keys(listed.keypairs[0].keypair), ['name', 'public_key', 'fingerprint'])
  ;(await cloud.request('DELETE', '/os-keypairs/old', { version: '2.1' })).expect(202)
  const gone = await cloud.request('GET', '/os-keypairs/old')
  gone.refuses(404, `Keypair old not found for user ${cloud.member.userId}`)
  assert.equal(gone.fault.name, 'itemNotFound')
  ;(await drop('old')).refuses(404, `Keypair old not found for user ${cloud.member.userId}`)
})

test('a name is taken once per user', async () => {
  ;(await make({ name: 'mine', public_key: ed25519 })).expect(201)
  ;(await make({ name: 'mine', public_key: ed25519 })).refuses(409, "Key pair 'mine' already exists.")
  ;(await make({ name: 'mine', public_key: ed25519 }, '2.2', cloud.stranger)).expect(201)
  ;(await drop('mine')).expect(204)
})

test('2.10: administrators act for users, users only for themselves', async () => {
  const { member, admin, stranger } = cloud
  const body = { name: 'given', public_key: ed25519, user_id: member.userId }
  ;(await make(body, '2.10', stranger)).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-keypairs:create to be performed.",
  )
  ;(await make(body, '2.9', admin)).refuses(400, /Additional properties/)
  assert.equal((await make(body, '2.10', admin)).expect(201).body.keypair.user_id, member.userId)
  const path = `/os-keypairs/given?user_id=${member.userId}`
  ;(await cloud.request('GET', path, { version: '2.10', as: admin })).expect(200)
  ;(await cloud.request('GET', path, { version: '2.9', as: admin })).expect(404)
  ;(await cloud.request('GET', path, { version: '2.10', as: stranger })).expect(403)
  ;(await cloud.request('DELETE', path, { version: '2.10', as: admin })).expect(204)
})

test('2.35: pages by name', async () => {
  for (const name of ['c', 'a', 'b']) (await make({ name, public_key: ed25519 })).expect(201)
  const list = (query: string, version = '2.35') => cloud.request('GET', `/os-keypairs${query}`, { version })
  const first = (await list('?limit=2')).expect(200).body
  assert.deepEqual(
    first.keypairs.map((k: { keypair: { name: string } }) => k.keypair.name),
    ['a', 'b'],
  )
  assert.equal(first.keypairs_links[0].href, `${cloud.url}/v2.1/os-keypairs?limit=2&marker=b`)
  const second = (await list('?limit=2&marker=b')).expect(200).body
  assert.deepEqual(Object.keys(second), ['keypairs'])
  assert.equal(second.keypairs[0].keypair.name, 'c')
  ;(await list('?marker=zzz')).refuses(400, 'Marker zzz could not be found.')
  assert.equal((await list('?limit=1', '2.34')).expect(200).body.keypairs.length, 3)
  ;(await list('?limit=-1')).expect(400)
  ;(await list('?foo=1', '2.74')).expect(200)
  ;(await list('?foo=1', '2.75')).refuses(400, /Additional properties are not allowed \('foo' was unexpected\)/)
  for (const name of ['a', 'b', 'c']) (await drop(name)).expect(204)
})

test('2.92: only public keys, and names may look like addresses', async () => {
  ;(await make({ name: 'made' }, '2.92')).refuses(400, /'public_key' is a required property/)
  ;(await make({ name: 'me@host.name', public_key: ed25519 }, '2.91')).expect(400)
  ;(await make({ name: 'me@host.name', public_key: ed25519 }, '2.92')).expect(201)
  ;(await drop('me@host.name')).expect(204)
})

test('the quota is exact, however many come at once', async () => {
  const { stranger } = cloud
  const count = async () =>
    (await cloud.request('GET', '/os-keypairs', { version: '2.35', as: stranger })).body.keypairs.length
  const before = await count()
  // Making a key takes a while, in which others come: some imports, some pairs.
  const many = Array.from({ length: 14 }, (_, i) =>
    make(i % 4 === 0 ? { name: `k${i}` } : { name: `k${i}`, public_key: ed25519 }, '2.2', stranger),
  )
  const answers = await Promise.all(many)
  assert.equal(answers.filter(a => a.status === 201).length, 8 - before)
  for (const answer of answers.filter(a => a.status !== 201)) {
    assert.equal(answer.refuses(403, 'Quota exceeded, too many key pairs.').fault.name, 'forbidden')
  }
  assert.equal(await count(), 8)
})
