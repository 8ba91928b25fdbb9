import { Limiter } from '#base'
import type { GuestImage } from '#virt'
import type { ConductorDeps } from './deps.ts'
import { hostClient, isHostUp } from './hosts.ts'

async function askHost(deps: ConductorDeps, host: string, images: readonly GuestImage[]): Promise<void> {
  const { log } = deps
  if (!(await isHostUp(deps, host))) {
    log.info({ host }, 'host is down; it fetches images when it needs them')
    return
  }
  const results = await hostClient(deps, host).cacheImages({ images })
  log.info({ host, results }, 'images were asked for ahead')
}

/** Has hosts fetch images ahead, so many at a time. Only a wish: a host that fails fetches an image when it needs it. */
export async function precache(
  deps: ConductorDeps,
  hosts: readonly string[],
  images: readonly GuestImage[],
): Promise<void> {
  const pool = new Limiter(deps.options.precacheHosts ?? 1)
  const ask = (host: string) =>
    pool
      .run(() => askHost(deps, host, images))
      .catch(error => deps.log.warn({ host, err: error }, 'a host did not fetch images ahead'))
  await Promise.all(hosts.map(ask))
}
