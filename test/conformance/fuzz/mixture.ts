import type { ApiCloud, Json, Person } from '../../api/harness.ts'

/** One request of a crowd; ids are looked up when its turn comes, so most are in somebody's way. */
export interface Move {
  readonly name: string
  readonly method: string
  readonly path: (server: string, other: string) => string
  readonly body?: (cloud: ApiCloud, nth: number) => Json
}

const onServer = (name: string, method: string, tail: string, body?: Move['body']): Move => ({
  name,
  method,
  path: server => `/servers/${server}${tail}`,
  ...(body === undefined ? {} : { body }),
})

const action = (name: string, argument: Json = null): Move =>
  onServer(name, 'POST', '/action', () => ({ [name]: argument }))

/** What two users do with a few servers at once. `volume` is one of theirs. */
export const moves = (flavors: readonly string[], volume: (nth: number) => string): readonly Move[] => [
  {
    name: 'create',
    method: 'POST',
    path: () => '/servers',
    body: ({ imageId, flavorId, networkId }, nth) => ({
      server: { name: `crowd ${nth}`, imageRef: imageId, flavorRef: flavorId, networks: [{ uuid: networkId }] },
    }),
  },
  onServer('delete', 'DELETE', ''),
  { name: 'list', method: 'GET', path: () => '/servers/detail?limit=5&sort_key=display_name' },
  onServer('show', 'GET', ''),
  onServer('addresses', 'GET', '/ips'),
  onServer('metadata', 'POST', '/metadata', (_cloud, nth) => ({ metadata: { [`key ${nth % 7}`]: String(nth) } })),
  onServer('tag', 'PUT', '/tags/crowd'),
  onServer('tags', 'PUT', '/tags', (_cloud, nth) => ({ tags: [`tag ${nth}`] })),
  onServer('untag', 'DELETE', '/tags/crowd'),
  onServer('rename', 'PUT', '', (_cloud, nth) => ({ server: { name: `renamed ${nth}` } })),
  onServer('attach', 'POST', '/os-volume_attachments', (_cloud, nth) => ({
    volumeAttachment: { volumeId: volume(nth) },
  })),
  { name: 'detach', method: 'DELETE', path: (server, other) => `/servers/${server}/os-volume_attachments/${other}` },
  onServer('interface', 'POST', '/os-interface', ({ networkId }) => ({ interfaceAttachment: { net_id: networkId } })),
  onServer('interfaces', 'GET', '/os-interface'),
  onServer('resize', 'POST', '/action', (_cloud, nth) => ({ resize: { flavorRef: flavors[nth % flavors.length] } })),
  action('confirmResize'),
  action('revertResize'),
  action('os-stop'),
  action('os-start'),
  action('reboot', { type: 'HARD' }),
  action('pause'),
  action('unpause'),
  action('shelve'),
  action('unshelve'),
  action('lock'),
  action('unlock'),
  onServer('rebuild', 'POST', '/action', ({ imageId }) => ({ rebuild: { imageRef: imageId } })),
  onServer('snapshot', 'POST', '/action', (_cloud, nth) => ({ createImage: { name: `snapshot ${nth}` } })),
  { name: 'limits', method: 'GET', path: () => '/limits' },
]

/** Servers of a project that count against its quota. */
export async function usedBy(
  cloud: ApiCloud,
  person: Person,
): Promise<{ instances: number; cores: number; ram: number }> {
  const { absolute } = (await cloud.request('GET', '/limits', { as: person })).expect(200).body.limits
  return { instances: absolute.totalInstancesUsed, cores: absolute.totalCoresUsed, ram: absolute.totalRAMUsed }
}
