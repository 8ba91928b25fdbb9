import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { request } from 'undici'
import { declareFault, type Log } from '#base'
import { buildStockImage, buildTinyImage, type GuestBuildOptions, type GuestImage, guestCache } from '#guest'
import type { Cloud } from '../cloud.ts'
import type { Progress } from '../progress.ts'
import type { CloudClient } from './client.ts'

export const ImageUnreadable = declareFault(
  'ImageUnreadable',
  'refused',
  (p: { source: string; reason: string }) => `The image ${p.source} cannot be read: ${p.reason}`,
)

/** Fixed ids, so that a start that was cut short finds its images again. */
const stockId = '6e6f7661-0001-4000-8000-000000000001'
const cirrosId = '6e6f7661-0002-4000-8000-000000000002'

/** The image of the first server. */
export const firstImage = 'debian-stock'

const reservation = (cloud: Cloud, id: string, name: string) => ({
  id,
  name,
  diskFormat: 'qcow2',
  containerFormat: 'bare',
  visibility: 'public' as const,
  ownerId: cloud.identity.bootstrapped.adminProjectId,
})

async function publish(cloud: Cloud, id: string, name: string, image: GuestImage): Promise<void> {
  const { minRamMiB, minDiskGiB, properties } = image
  await cloud.images.register.reserve({ ...reservation(cloud, id, name), minRamMiB, minDiskGiB, properties })
  await cloud.images.register.publish(id, image.path)
}

/** The image of the first server: in seconds, from Debian's own kernel. */
export async function makeStockImage(cloud: Cloud, progress: Progress, signal: AbortSignal): Promise<void> {
  await progress.step('building the first image', async note => {
    const options: GuestBuildOptions = { cacheDir: guestCache(), signal, progress: p => note(p.message) }
    await publish(cloud, stockId, firstImage, await buildStockImage(options))
  })
}

/**
 * The image called `cirros`: queued at once, built in the background, because its kernel takes minutes the first time.
 * Returns when the record is there.
 */
export async function startCirros(cloud: Cloud, progress: Progress, log: Log, signal: AbortSignal): Promise<void> {
  const image = await cloud.images.register.reserve({ ...reservation(cloud, cirrosId, 'cirros'), minRamMiB: 64 })
  if (image.status === 'active') return
  let lastTenth = -1
  const report = (p: { message: string; percent?: number }) => {
    const tenth = p.percent === undefined ? lastTenth : Math.floor(p.percent / 20)
    if (tenth === lastTenth) return
    lastTenth = tenth
    progress.line(`  image cirros: ${p.message}${p.percent === undefined ? '' : ` ${Math.floor(p.percent)} %`}`)
  }
  const build = async () => {
    try {
      await publish(
        cloud,
        cirrosId,
        'cirros',
        await buildTinyImage({ cacheDir: guestCache(), signal, progress: report }),
      )
      if (lastTenth >= 0) progress.line('  image cirros: ready')
    } catch (error) {
      if (signal.aborted) return
      log.error({ err: error }, 'building the image cirros failed')
      const reason = error instanceof Error ? error.message : String(error)
      progress.line(`  image cirros: failed, ${reason}`)
      await cloud.images.register.fail(cirrosId, reason)
    }
  }
  void build()
}

const isUrl = (source: string): boolean => /^https?:\/\//.test(source)

async function bitsOf(source: string): Promise<AsyncIterable<Uint8Array>> {
  if (!isUrl(source)) return createReadStream(source)
  const { statusCode, body } = await request(source, { method: 'GET' })
  if (statusCode >= 300) throw ImageUnreadable({ source, reason: `the server answered ${statusCode}` })
  return body
}

/** `qcow2` by its magic; everything else is taken as raw. A URL is judged by its name. */
async function formatOf(source: string): Promise<string> {
  if (isUrl(source)) return /\.(qcow2|img)(\?|$)/.test(source) ? 'qcow2' : 'raw'
  const file = await open(source).catch(error => {
    throw ImageUnreadable({ source, reason: (error as Error).message })
  })
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return buffer.toString('latin1') === 'QFI\u00fb' ? 'qcow2' : 'raw'
  } finally {
    await file.close()
  }
}

/** The user's own image in the place of `cirros`. */
export async function registerOwn(client: CloudClient, source: string, progress: Progress): Promise<void> {
  const { images } = await client.call<{ images: { name: string }[] }>('image', 'GET', '/images?name=cirros')
  if (images.length > 0) return
  await progress.step(`registering ${source}`, async () => {
    const disk_format = await formatOf(source)
    const image = { name: 'cirros', disk_format, container_format: 'bare', visibility: 'public' }
    const { id } = await client.call<{ id: string }>('image', 'POST', '/images', image)
    await client.upload(id, await bitsOf(source))
  })
}

/** With simulated hosts nothing ever boots: a MiB of nothing is image enough. */
export async function registerEmpty(client: CloudClient, name: string): Promise<void> {
  const { images } = await client.call<{ images: { name: string }[] }>('image', 'GET', `/images?name=${name}`)
  if (images.length > 0) return
  const image = { name, disk_format: 'raw', container_format: 'bare', visibility: 'public' }
  const { id } = await client.call<{ id: string }>('image', 'POST', '/images', image)
  await client.upload(
    id,
    (async function* () {
      yield Buffer.alloc(1_048_576)
    })(),
  )
}
