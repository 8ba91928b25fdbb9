import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { adminPassword, type Cloud, call, login, newFolder, removeFolder, startCloud, tokenOf } from './kit.ts'

const script = join(import.meta.dirname, 'cloud-process.ts')
const octets = { 'content-type': 'application/octet-stream' }

type Addresses = Pick<Cloud, 'identityUrl' | 'imageUrl'>

/** The cloud in a process of its own. */
async function spawnCloud(folder: string): Promise<{ child: ChildProcess; at: Addresses }> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.ok(child.stdout)
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, at: JSON.parse(line) as Addresses }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function newImage(at: Addresses, token: string, name: string): Promise<string> {
  const body = { name, disk_format: 'raw', container_format: 'bare' }
  return (await call('POST', `${at.imageUrl}/v2/images`, { token, body })).expect(201).string('id')
}

const adminOf = async (at: Addresses): Promise<string> =>
  tokenOf(await login(at as Cloud, { user: 'admin', password: adminPassword, project: 'admin' }))

test('kill -9 during an upload: queued again, no file; what was active is whole; tokens and users are there', async () => {
  const folder = newFolder()
  const { child, at } = await spawnCloud(folder)
  const token = await adminOf(at)
  const whole = await newImage(at, token, 'whole')
  const bits = Buffer.alloc(300_000, 'w')
  ;(await call('PUT', `${at.imageUrl}/v2/images/${whole}/file`, { token, raw: bits, headers: octets })).expect(204)
  const half = await newImage(at, token, 'half')
  const upload = request(`${at.imageUrl}/v2/images/${half}/file`, {
    method: 'PUT',
    headers: { ...octets, 'x-auth-token': token, 'content-length': 10_000_000 },
  })
  upload.on('error', () => undefined) // the server dies
  upload.write(Buffer.alloc(200_000, 'h'))
  const imagesPath = join(folder, 'images')
  const halfFile = () => readdirSync(imagesPath).find(name => name.startsWith(half))
  await waitFor(
    'bytes of the upload on disk',
    () => {
      const name = halfFile()
      return name !== undefined && statSync(join(imagesPath, name)).size > 0 ? true : undefined
    },
    { deadlineMs: 60_000 },
  )
  await kill(child)
  assert.ok(halfFile() !== undefined, 'the killed process could not clean up')

  const cloud = await startCloud({ folder })
  try {
    assert.equal((await cloud.image.port.get('service', half)).status, 'queued')
    assert.equal(halfFile(), undefined)
    assert.equal((await cloud.identity.port.validate(token)).userName, 'admin')
    const path = await cloud.image.port.localPath?.('service', whole)
    assert.ok(path !== undefined && bits.equals(readFileSync(path)))
    const retry = { token, raw: Buffer.from('second try'), headers: octets }
    ;(await call('PUT', `${cloud.imageUrl}/v2/images/${half}/file`, retry)).expect(204)
  } finally {
    await cloud.close()
    removeFolder(folder)
  }
})

test('at start, files that no image names go; files that are not ours stay', async () => {
  const folder = newFolder()
  const imagesPath = join(folder, 'images')
  mkdirSync(imagesPath)
  const orphan = `${newUuid()}.0123abcd`
  for (const name of [orphan, 'notes.txt', `${newUuid()}`]) writeFileSync(join(imagesPath, name), 'x')
  const cloud = await startCloud({ folder })
  try {
    const left = readdirSync(imagesPath)
    assert.equal(left.includes(orphan), false)
    assert.equal(left.length, 2)
    assert.ok(left.includes('notes.txt'))
  } finally {
    await cloud.close()
    removeFolder(folder)
  }
})

test('closing during an upload ends it cleanly', async () => {
  const folder = newFolder()
  const cloud = await startCloud({ folder })
  const token = await adminOf(cloud)
  const id = await newImage(cloud, token, 'interrupted')
  const upload = request(`${cloud.imageUrl}/v2/images/${id}/file`, {
    method: 'PUT',
    headers: { ...octets, 'x-auth-token': token, 'content-length': 10_000_000 },
  })
  upload.on('error', () => undefined) // the server closes
  upload.write(Buffer.alloc(200_000))
  await waitFor(
    'the upload to begin',
    async () => ((await cloud.image.port.get('service', id)).status === 'saving' ? true : undefined),
    { deadlineMs: 60_000 },
  )
  await cloud.close()
  assert.deepEqual(readdirSync(cloud.imagesPath), [])
  const again = await startCloud({ folder })
  try {
    assert.equal((await again.image.port.get('service', id)).status, 'queued')
  } finally {
    await again.close()
    removeFolder(folder)
  }
})
