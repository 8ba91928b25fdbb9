import { waitFor } from '#base'
import type { Client } from './client.ts'
import { distribution, type Row } from './figures.ts'
import type { Servers } from './servers.ts'

const everyMs = 5
const deadlineMs = 120_000

/** From POST to the moment at which the image can be used; the server takes the next request then. */
async function snapshotOnce(client: Client, serverId: string, name: string): Promise<number> {
  const startedAt = performance.now()
  const path = `/servers/${serverId}/action`
  const { image_id: imageId } = await client.call<{ image_id: string }>('compute', 'POST', path, {
    createImage: { name },
  })
  const isActive = async () => {
    const { status } = await client.call<{ status: string }>('image', 'GET', `/images/${imageId}`)
    return status === 'active' ? performance.now() : undefined
  }
  const activeAt = await waitFor('the image', isActive, { deadlineMs, everyMs })
  const isFree = async () => {
    const { server } = await client.call<{ server: Record<string, unknown> }>('compute', 'GET', `/servers/${serverId}`)
    return server['OS-EXT-STS:task_state'] === null ? true : undefined
  }
  await waitFor('the server', isFree, { deadlineMs, everyMs })
  await client.text('image', 'DELETE', `/images/${imageId}`)
  return activeAt - startedAt
}

/** Images of one running guest, one after the other. */
export async function measureSnapshots(client: Client, servers: Servers, group: string, rounds: number): Promise<Row> {
  const { id } = await servers.boot()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await snapshotOnce(client, id, `bench-image-${round}`))
  await servers.remove(id)
  return distribution({ group, what: 'createImage of a running guest, POST to active image', unit: 'ms' }, times)
}
