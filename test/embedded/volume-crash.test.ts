import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { GiB, waitFor } from '#base'
import { adminPassword, type Cloud, call, login, newFolder, removeFolder, startCloud, tokenOf } from './kit.ts'

const script = join(import.meta.dirname, 'cloud-process.ts')
type Addresses = Pick<Cloud, 'identityUrl' | 'imageUrl' | 'volumeUrl'>

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

const adminOf = async (at: Addresses): Promise<string> =>
  tokenOf(await login(at as Cloud, { user: 'admin', password: adminPassword, project: 'admin' }))

const statusOf = async (cloud: Cloud, id: string): Promise<string | undefined> =>
  cloud.volume.port.get('service', id).then(
    volume => volume.status,
    () => undefined,
  )

/** Ends every volume in a status that stays, and the folder with one file for each content. */
async function checkSettled(cloud: Cloud): Promise<void> {
  const { port } = cloud.volume
  const busy = ['creating', 'downloading', 'deleting', 'extending', 'uploading']
  await waitFor(
    'everything to settle',
    async () => {
      const things = [...(await port.list('service')), ...(await port.listSnapshots('service'))]
      return things.some(thing => busy.includes(thing.status)) ? undefined : true
    },
    { deadlineMs: 60_000 },
  )
  const things = [...(await port.list('service')), ...(await port.listSnapshots('service'))]
  const whole = things.filter(thing => thing.status === 'available')
  await waitFor(
    'the folder to hold what the rows name',
    () => {
      const files = readdirSync(cloud.volumesPath)
      const areAll = whole.every(thing => files.filter(name => name.startsWith(thing.id)).length === 1)
      const isNoMore = files.every(name => things.some(thing => name.startsWith(thing.id)))
      return areAll && isNoMore ? true : undefined
    },
    { deadlineMs: 60_000 },
  )
  for (const thing of whole) {
    const [name = ''] = readdirSync(cloud.volumesPath).filter(file => file.startsWith(thing.id))
    assert.equal(statSync(join(cloud.volumesPath, name)).size, thing.sizeGiB * GiB)
  }
}

test('kill -9 amid creates, deletes, snapshots and extensions: each is whole, gone or in error', async () => {
  const folder = newFolder()
  try {
    for (const answersBefore of [1, 3, 5, 8]) {
      const { child, at } = await spawnCloud(folder)
      const token = await adminOf(at)
      const v3 = `${at.volumeUrl}/v3`
      const enough = Promise.withResolvers<void>()
      let answers = 0
      const ask = async (method: string, path: string, body?: unknown) => {
        const reply = await call(method, `${v3}${path}`, { token, ...(body === undefined ? {} : { body }) })
        if (++answers === answersBefore) enough.resolve()
        return reply
      }
      const post = (path: string, body: unknown) => ask('POST', path, body).catch(() => undefined)
      const old = (await call('GET', `${v3}/volumes`, { token })).each('volumes', 'id')
      const work = [
        ...old.map(id => ask('DELETE', `/volumes/${id}?cascade=true`).catch(() => undefined)),
        ...Array.from({ length: 4 }, async () => {
          const made = await post('/volumes', { volume: { size: 1 } })
          if (made?.status !== 202) return
          const id = made.string('volume.id')
          await post('/snapshots', { snapshot: { volume_id: id, force: true } })
          await post(`/volumes/${id}/action`, { 'os-extend': { new_size: 2 } })
        }),
      ]
      await Promise.race([Promise.allSettled(work), enough.promise])
      await kill(child)
      await Promise.allSettled(work)
      const cloud = await startCloud({ folder })
      try {
        await checkSettled(cloud)
      } finally {
        await cloud.close()
      }
    }
  } finally {
    removeFolder(folder)
  }
})

test('closing while an image comes in leaves nothing half made', async () => {
  const folder = newFolder()
  const cloud = await startCloud({ folder })
  let again: Cloud | undefined
  try {
    const { register } = cloud.image
    const id = '11111111-2222-4333-8444-555555555555'
    await register.reserve({ id, name: 'slow', diskFormat: 'raw' })
    await register.publish(id, script)
    const volume = await cloud.volume.port.create('service', { name: 'v', sizeGiB: 1, imageId: id })
    await cloud.close()
    again = await startCloud({ folder })
    await checkSettled(again)
    const status = await statusOf(again, volume.id)
    assert.ok(status === 'available' || status === 'error', `${status}`)
  } finally {
    await again?.close()
    removeFolder(folder)
  }
})
