import { bodyOf } from './client.ts'
import { NeighbourFailed } from './faults.ts'
import { ServiceClient, type ServiceOptions } from './service-client.ts'

/** Major and minor. */
export type Microversion = readonly [number, number]

interface WireVersions {
  readonly versions?: readonly { readonly max_version?: string; readonly version?: string }[]
}

const microversion = (text: string | undefined): Microversion | undefined => {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(text ?? '') ?? []
  return major === undefined ? undefined : [Number(major), Number(minor)]
}

export const isBefore = (one: Microversion, other: Microversion): boolean =>
  one[0] - other[0] < 0 || (one[0] === other[0] && one[1] < other[1])

/**
 * The newest microversion that a service says it knows. `path`: of the API at its address, as `/v3`. Throws what every call of
 * the service may, and `NeighbourFailed` for what is no page of versions.
 */
export async function newestMicroversion(
  service: string,
  path: string,
  options: ServiceOptions,
): Promise<Microversion> {
  const reply = await new ServiceClient(service, path, options).call('service', { method: 'GET', path: '/' })
  // Cinder answers with 300: several choices.
  const isPage = reply.status <= 300 && reply.text.startsWith('{')
  const all = isPage ? (bodyOf<WireVersions>(reply).versions ?? []) : []
  const pairs = all.flatMap(({ max_version: max, version }) => {
    const found = microversion(max) ?? microversion(version)
    return found === undefined ? [] : [found]
  })
  const newest = pairs.reduce<Microversion | undefined>(
    (a, b) => (a === undefined || isBefore(a, b) ? b : a),
    undefined,
  )
  if (newest === undefined) throw NeighbourFailed({ service, status: reply.status }, { detail: reply.place })
  return newest
}
