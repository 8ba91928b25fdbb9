import { waitFor } from '#base'
import type { Prepare } from '../preparations.ts'
import type { World } from '../world.ts'

const resized: Prepare = async (world, scene) => {
  const id = await world.server()
  await world.act(id, { resize: { flavorRef: '2' } }, 'VERIFY_RESIZE')
  scene.ids['servers'] = id
}

const hostOf = async (world: World, id: string): Promise<string> =>
  (await world.cloud.server(id, { as: world.cloud.admin }))['OS-EXT-SRV-ATTR:host']

/** Another host than the server's takes the place of the sample's. */
const movable: Prepare = async (world, scene, sample) => {
  const id = await world.server()
  scene.ids['servers'] = id
  const here = await hostOf(world, id)
  const there = [...world.cloud.drivers.keys()].find(name => name !== here)
  const [[action = '', asked]] = Object.entries<Record<string, unknown> | null>(sample.document as never) as [
    [string, Record<string, unknown> | null],
  ]
  // The sample of 2.1 shows that a server cannot move to where it is.
  const host = sample.status === 400 ? here : there
  if (asked !== null && typeof asked['host'] === 'string') scene.body = { [action]: { ...asked, host } }
}

/** The server's host is down. */
const stranded: Prepare = async (world, scene, sample) => {
  await movable(world, scene, sample)
  const id = scene.ids['servers'] ?? ''
  const host = await hostOf(world, id)
  await setDown(world, host, true)
  scene.after = async () => {
    await hasLeft(world, id, host)
    await hasTakenNote(world, host)
    await setDown(world, host, false)
  }
}

async function hasLeft(world: World, id: string, host: string): Promise<void> {
  const elsewhere = async () => {
    const server = await world.cloud.server(id, { as: world.cloud.admin })
    const { 'OS-EXT-SRV-ATTR:host': now, 'OS-EXT-STS:task_state': task } = server
    return now !== host && task === null ? true : undefined
  }
  await waitFor('the server to be elsewhere', elsewhere, { deadlineMs: 60_000, everyMs: 5 })
}

/** As the host's nova-compute does when it comes back: what was evacuated from it is no longer its own. */
async function hasTakenNote(world: World, host: string): Promise<void> {
  const { moves } = world.cloud.store
  for (const move of await moves.inStatus('done', { sourceHost: host })) {
    await moves.change(move.uuid, { status: 'completed' }, Date.now())
  }
}

async function setDown(world: World, host: string, forced_down: boolean): Promise<void> {
  const body = { host, binary: 'nova-compute', forced_down }
  ;(await world.ask('PUT', '/os-services/force-down', { version: '2.11', body })).expect(200)
}

/** A live migration that copies memory and does not come to an end by itself. */
const migrating: Prepare = async (world, scene) => {
  const id = await world.server()
  const driver = world.cloud.drivers.get(await hostOf(world, id))
  if (driver === undefined) throw new Error('the server has no host')
  driver.copyBrake.hold()
  await world.act(id, { 'os-migrateLive': { host: null, block_migration: 'auto' } })
  const running = async () => {
    const { migrations } = (await world.ask('GET', `/servers/${id}/migrations`)).expect(200).body
    return migrations[0]?.status === 'running' ? String(migrations[0].id) : undefined
  }
  scene.ids['servers'] = id
  scene.ids['migrations'] = await waitFor('the migration to run', running, { deadlineMs: 60_000, everyMs: 5 })
  scene.after = async () => {
    driver.copyBrake.release()
    await world.cloud.waitForStatus(id, 'ACTIVE')
  }
}

export const moves: Readonly<Record<string, Prepare>> = {
  'POST /servers/{id}/action confirmResize': resized,
  'POST /servers/{id}/action revertResize': resized,
  'POST /servers/{id}/action migrate': movable,
  'POST /servers/{id}/action os-migrateLive': movable,
  'POST /servers/{id}/action evacuate': stranded,
  'POST /servers/{server_id}/migrations/{id}/action force_complete': migrating,
  'DELETE /servers/{server_id}/migrations/{id}': migrating,
  'GET /servers/{server_id}/migrations': migrating,
  'GET /servers/{server_id}/migrations/{id}': migrating,
  'GET /os-migrations': async (world, scene, sample) => {
    if (JSON.stringify(sample.document).includes('live-migration')) await migrating(world, scene, sample)
    await resized(world, { ids: {} }, sample)
    await resized(world, { ids: {} }, sample)
    if (sample.file.includes('limit')) scene.query = '?limit=1'
    if (sample.file.includes('since')) scene.query = '?changes-since=2016-01-29T13:42:02Z'
    if (sample.file.includes('before')) scene.query = '?changes-before=2100-01-29T13:42:02Z'
    if (sample.file.includes('marker')) {
      const { migrations } = (await world.ask('GET', '/os-migrations')).expect(200).body
      scene.query = `?marker=${migrations[0].uuid}`
    }
  },
}
