/** The built-in identity, image, volume, network and placement services on free ports, and both ways to reach them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Closers, silentLog, systemClock } from '#base'
import {
  type Credentials,
  cinderPort,
  glancePort,
  HttpClient,
  type IdentityPort,
  type ImagePort,
  keystonePort,
  manilaPort,
  type NetworkPort,
  neutronPort,
  type PlacementPort,
  placementPort,
  Session,
  type SharePort,
  type VolumePort,
} from '#cloud'
import { createIdentityService, type IdentityService } from '#embedded/identity'
import { createImageService, type ImageService } from '#embedded/image'
import { createShareService } from '#embedded/share'
import { createVolumeService, type VolumeEvent } from '#embedded/volume'
import { type Face, listen } from '#http'
import { createNetworkService, type NetworkService } from '#network'
import { createPlacement } from '#placement'
import { databaseAt } from '../database/index.ts'
import { Rest } from './rest.ts'

export const adminPassword = 'password of the admin'
export const servicePassword = 'password of nova'
export const region = 'RegionOne'

export interface Ports {
  readonly identity: IdentityPort
  readonly images: ImagePort
  readonly network: NetworkPort
  readonly placement: PlacementPort
  readonly volumes: VolumePort
  readonly shares: SharePort
}

export interface BuiltIn extends Ports {
  readonly folder: string
  readonly identityService: IdentityService
  readonly imageService: ImageService
  readonly networkService: NetworkService
  /** What the volume service told Nova. */
  readonly volumeEvents: readonly VolumeEvent[]
  readonly urls: Readonly<Record<'identity' | 'image' | 'network' | 'placement' | 'share' | 'volume', string>>
  close(): Promise<void>
}

export const serviceCredentials = (identityUrl: string): Credentials => ({
  authUrl: identityUrl,
  user: { id: null, name: 'nova', domainId: null, domainName: 'Default' },
  password: servicePassword,
  project: { id: null, name: 'service', domainId: null, domainName: 'Default' },
  applicationCredential: null,
})

export async function startBuiltIn(options: { tokenLifetimeMs?: number } = {}): Promise<BuiltIn> {
  const closers = new Closers()
  const folder = mkdtempSync(join(tmpdir(), 'nova-cloud-test-'))
  closers.add(() => rmSync(folder, { recursive: true, force: true }))
  const at = { log: silentLog, clock: systemClock }
  const databaseUrl = (name: string) => databaseAt(folder, name)
  const identityService = await createIdentityService({
    ...at,
    ...options,
    databaseUrl: await databaseUrl('identity'),
    adminPassword,
    servicePassword,
    region,
  })
  closers.add(() => identityService.close())
  const identity = identityService.port
  const imageService = await createImageService({
    ...at,
    databaseUrl: await databaseUrl('image'),
    imagesPath: join(folder, 'images'),
    identity,
  })
  closers.add(() => imageService.close())
  const volumeEvents: VolumeEvent[] = []
  const volumeService = await createVolumeService({
    ...at,
    databaseUrl: await databaseUrl('volume'),
    volumesPath: join(folder, 'volumes'),
    identity,
    images: imageService.port,
    compute: { tell: async event => void volumeEvents.push(event), attachmentOf: async () => undefined },
  })
  closers.add(() => volumeService.close())
  const sharesPath = join(folder, 'shares')
  const shareService = await createShareService({
    ...at,
    databaseUrl: await databaseUrl('share'),
    sharesPath,
    identity,
  })
  closers.add(() => shareService.close())
  const networkService = await createNetworkService({ ...at, databaseUrl: await databaseUrl('network'), identity })
  closers.add(() => networkService.close())
  const placementService = await createPlacement({ ...at, databaseUrl: await databaseUrl('placement'), identity })
  closers.add(() => placementService.close())
  const open = async (service: string, face: Face) =>
    `http://127.0.0.1:${await listen(face, { service, host: '127.0.0.1', port: 0 })}`
  const urls = {
    identity: await open('identity', identityService.face),
    image: await open('image', imageService.face),
    network: await open('network', networkService.face),
    placement: await open('placement', placementService.face),
    share: await open('share', shareService.face),
    volume: await open('volume', volumeService.face),
  }
  const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
  await identityService.setCatalog([
    { type: 'identity', name: 'keystone', endpoints: everywhere(`${urls.identity}/v3`) },
    { type: 'image', name: 'glance', endpoints: everywhere(urls.image) },
    { type: 'network', name: 'neutron', endpoints: everywhere(urls.network) },
    { type: 'placement', name: 'placement', endpoints: everywhere(urls.placement) },
    { type: 'shared-file-system', name: 'manila', endpoints: everywhere(`${urls.share}/v2`) },
    { type: 'volumev3', name: 'cinderv3', endpoints: everywhere(`${urls.volume}/v3/$(project_id)s`) },
  ])
  const { port: images } = imageService
  const { port: network } = networkService
  const { port: placement } = placementService
  const { port: volumes } = volumeService
  const { port: shares } = shareService
  const services = { identityService, imageService, networkService, volumeEvents }
  return {
    folder,
    ...services,
    identity,
    images,
    network,
    placement,
    volumes,
    shares,
    urls,
    close: () => closers.close(),
  }
}

/** The same services as another process sees them. */
export function overHttp(builtIn: BuiltIn): Ports & { session: Session; http: HttpClient; close(): Promise<void> } {
  const clock = systemClock
  const http = new HttpClient({ clock, timeoutMs: 10_000 })
  const session = new Session({ http, credentials: serviceCredentials(builtIn.urls.identity), clock })
  const service = (serviceType: string) => ({
    http,
    session,
    endpoint: { serviceType, interfaces: ['internal', 'public'], region },
  })
  return {
    http,
    session,
    identity: keystonePort({ http, session, clock, tokenCacheMs: 300_000, region }),
    images: glancePort(service('image')),
    network: neutronPort({ ...service('network'), clock }),
    placement: placementPort({ ...service('placement'), log: silentLog }),
    volumes: cinderPort(service('volumev3')),
    shares: manilaPort(service('shared-file-system')),
    close: () => http.close(),
  }
}

/** The administrator of the built-in services, as any client logs in. */
export const adminOf = ({ urls }: Pick<BuiltIn, 'urls'>): Promise<Rest> =>
  Rest.login(urls.identity, 'admin', adminPassword, 'admin')
