import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitFor } from '#base'
import type { Client } from './client.ts'
import { distribution, figure, median, type Row } from './figures.ts'
import type { Servers } from './servers.ts'

const run = promisify(execFile)
const group = 'libvirt'
const deadlineMs = 300_000

/** Asks until the thing has the status; the milliseconds since `startedAt`. */
async function until(what: string, status: string, read: () => Promise<string>, startedAt: number): Promise<number> {
  const isThere = async () => ((await read()) === status ? true : undefined)
  await waitFor(what, isThere, { deadlineMs, everyMs: 10 })
  return performance.now() - startedAt
}

async function newVolume(client: Client): Promise<string> {
  const wish = { volume: { size: 1, name: 'bench' } }
  const { volume } = await client.call<{ volume: { id: string } }>('volume', 'POST', '/volumes', wish)
  await until('the volume', 'available', () => volumeStatus(client, volume.id), performance.now())
  return volume.id
}

const volumeStatus = async (client: Client, id: string): Promise<string> =>
  (await client.call<{ volume: { status: string } }>('volume', 'GET', `/volumes/${id}`)).volume.status

const imageStatus = async (client: Client, id: string): Promise<string> =>
  (await client.call<{ status: string }>('image', 'GET', `/images/${id}`)).status

/** A volume into the running guest and out again. */
async function attachOnce(client: Client, serverId: string, volumeId: string): Promise<{ in: number; out: number }> {
  const path = `/servers/${serverId}/os-volume_attachments`
  const startedAt = performance.now()
  await client.text('compute', 'POST', path, { volumeAttachment: { volumeId } })
  const inMs = await until('the attach', 'in-use', () => volumeStatus(client, volumeId), startedAt)
  const detachedAt = performance.now()
  await client.text('compute', 'DELETE', `${path}/${volumeId}`)
  return { in: inMs, out: await until('the detach', 'available', () => volumeStatus(client, volumeId), detachedAt) }
}

/** An image of the running guest; gone afterwards. */
async function snapshotOnce(client: Client, serverId: string): Promise<number> {
  const startedAt = performance.now()
  const action = { createImage: { name: 'bench' } }
  const text = await client.text('compute', 'POST', `/servers/${serverId}/action`, action)
  const id = (JSON.parse(text) as { image_id: string }).image_id
  const tookMs = await until('the snapshot', 'active', () => imageStatus(client, id), startedAt)
  await client.text('image', 'DELETE', `/images/${id}`)
  return tookMs
}

/** What qemu-img alone takes for a flat copy of the same disk. */
async function copyOnce(disk: string, folder: string): Promise<number> {
  const copy = join(folder, 'copy.qcow2')
  const startedAt = performance.now()
  await run('qemu-img', ['convert', '-U', '-O', 'qcow2', disk, copy])
  const tookMs = performance.now() - startedAt
  await rm(copy)
  return tookMs
}

/** What is done to a running guest: volumes in and out, and images of it beside qemu-img's own copies. */
export async function measureOperations(
  { client, servers }: { readonly client: Client; readonly servers: Servers },
  { stateDir, folder, rounds }: { readonly stateDir: string; readonly folder: string; readonly rounds: number },
): Promise<Row[]> {
  const { id } = await servers.boot()
  // A guest that still boots does not let go of a device.
  const log = join(stateDir, 'instances', id, 'console.log')
  await until('the guest', 'up', async () => ((await readFile(log, 'utf8')).includes('guest: ready') ? 'up' : ''), 0)
  const volumeId = await newVolume(client)
  const attached: { in: number; out: number }[] = []
  const snapshots: number[] = []
  const copies: number[] = []
  for (let round = 0; round < rounds; round++) {
    attached.push(await attachOnce(client, id, volumeId))
    snapshots.push(await snapshotOnce(client, id))
    copies.push(await copyOnce(join(stateDir, 'instances', id, 'disk'), folder))
  }
  await servers.remove(id)
  await client.text('volume', 'DELETE', `/volumes/${volumeId}`)
  const named = (what: string) => ({ group, what, unit: 'ms' })
  return [
    distribution(
      named('volume into a running guest'),
      attached.map(a => a.in),
    ),
    distribution(
      named('volume out of it'),
      attached.map(a => a.out),
    ),
    distribution(named('image of a running guest, active'), snapshots),
    distribution(named('qemu-img convert of its disk'), copies),
    figure({ group, what: 'ratio of the medians', unit: 'x' }, median(snapshots) / median(copies)),
  ]
}
