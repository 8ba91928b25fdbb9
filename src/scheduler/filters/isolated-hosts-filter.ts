import type { HostFilter } from './filter.ts'

/** Isolated images run on isolated hosts; whether other images may too, `restrict_…` says. */
export const isolatedHostsFilter: HostFilter = {
  name: 'IsolatedHostsFilter',
  isOncePerRequest: true,
  runsOnRebuild: true,
  prepare({ spec, options }) {
    const settings = options.filter_scheduler
    const hosts = new Set(settings.isolated_hosts)
    const isRestricted = settings.restrict_isolated_hosts_to_isolated_images
    const isImageIsolated = spec.image !== null && settings.isolated_images.includes(spec.image.id)
    return host => {
      const isHostIsolated = hosts.has(host.host)
      if (isImageIsolated && !isHostIsolated) return 'the image is isolated, the host is not in isolated_hosts'
      if (!isImageIsolated && isHostIsolated && isRestricted) {
        return 'the host is isolated for the images in isolated_images, this image is not one of them'
      }
      return true
    }
  },
}
