import { Limiter } from '#base'
import type { CachedImages, CachingAggregate } from '#bus'
import type { GuestImage } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { hostClient, isHostUp } from './hosts.ts'
import { noticesOf } from './notices.ts'

/** Undefined: the host is down. */
async function askHost(
  deps: ConductorDeps,
  host: string,
  images: readonly GuestImage[],
): Promise<CachedImages | undefined> {
  const { log } = deps
  if (!(await isHostUp(deps, host))) {
    log.info({ host }, 'host is down; it fetches images when it needs them')
    return undefined
  }
  const results = await hostClient(deps, host).cacheImages({ images })
  log.info({ host, results }, 'images were asked for ahead')
  return results
}

/** Others are told when it begins, after each host, and when it is over. */
function tellers(deps: ConductorDeps, hosts: readonly string[], aggregate: CachingAggregate | undefined) {
  const notices = noticesOf(deps)
  let index = 0
  const whole = async (event: 'aggregate.cache_images.start' | 'aggregate.cache_images.end') => {
    if (aggregate === undefined || !notices.isOn) return
    await notices.together(deps.store, tx => notices.tell(tx, event, { aggregate: { ...aggregate, hosts } }))
  }
  const progress = async (asked: string, images: readonly GuestImage[], results: CachedImages | undefined) => {
    index++
    if (aggregate === undefined || !notices.isOn) return
    const failed = images.filter(image => results === undefined || results[image.id] === 'error').map(({ id }) => id)
    const cached = images.map(({ id }) => id).filter(id => !failed.includes(id))
    const about = { aggregate: { ...aggregate, hosts }, asked, cached, failed, index, total: hosts.length }
    await notices.together(deps.store, tx => notices.tell(tx, 'aggregate.cache_images.progress', about))
  }
  return { whole, progress }
}

/** Has hosts fetch images ahead, so many at a time. Only a wish: a host that fails fetches an image when it needs it. */
export async function precache(
  deps: ConductorDeps,
  hosts: readonly string[],
  images: readonly GuestImage[],
  aggregate?: CachingAggregate,
): Promise<void> {
  const { whole, progress } = tellers(deps, hosts, aggregate)
  await whole('aggregate.cache_images.start')
  const pool = new Limiter(deps.options.precacheHosts ?? 1)
  const ask = (host: string) =>
    pool.run(async () => {
      const results = await askHost(deps, host, images).catch((error: unknown) => {
        deps.log.warn({ host, err: error }, 'a host did not fetch images ahead')
        return undefined
      })
      await progress(host, images, results)
    })
  await Promise.all(hosts.map(ask))
  await whole('aggregate.cache_images.end')
}
