/** A built-in cloud for tests: real services on free ports, in a folder of their own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, Closers, silentLog, systemClock } from '#base'
import { createIdentityService, type IdentityService } from '#embedded/identity'
import { createImageService, type ImageService } from '#embedded/image'
import { type ComputeLink, createVolumeService, type VolumeService } from '#embedded/volume'
import { listen } from '#http'
import { databaseAt } from '../database/index.ts'

export const adminPassword = 'a secret of the test'
const region = 'RegionOne'

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'embedded-'))
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

export interface CloudOptions {
  readonly folder: string
  readonly clock?: Clock
  readonly tokenLifetimeMs?: number
  readonly maxImageBytes?: number
  /** Whom the volume service tells; nobody by default. */
  readonly compute?: ComputeLink
}

export interface Cloud {
  readonly identity: IdentityService
  readonly image: ImageService
  readonly volume: VolumeService
  readonly identityUrl: string
  readonly imageUrl: string
  readonly volumeUrl: string
  readonly imagesPath: string
  readonly volumesPath: string
  close(): Promise<void>
}

export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const closers = new Closers()
  const { folder, clock = systemClock } = options
  const imagesPath = join(folder, 'images')
  const identity = await createIdentityService({
    databaseUrl: await databaseAt(folder, 'identity'),
    log: silentLog,
    clock,
    adminPassword,
    region,
    ...(options.tokenLifetimeMs === undefined ? {} : { tokenLifetimeMs: options.tokenLifetimeMs }),
  })
  closers.add(() => identity.close())
  const image = await createImageService({
    databaseUrl: await databaseAt(folder, 'image'),
    imagesPath,
    identity: identity.port,
    log: silentLog,
    clock,
    ...(options.maxImageBytes === undefined ? {} : { maxImageBytes: options.maxImageBytes }),
  })
  closers.add(() => image.close())
  const volumesPath = join(folder, 'volumes')
  const volume = await createVolumeService({
    databaseUrl: await databaseAt(folder, 'volume'),
    volumesPath,
    identity: identity.port,
    images: image.port,
    log: silentLog,
    clock,
    compute: options.compute ?? { tell: async () => undefined, attachmentOf: async () => undefined },
  })
  closers.add(() => volume.close())
  const at = (port: number) => `http://127.0.0.1:${port}`
  const identityUrl = at(await listen(identity.face, { service: 'identity', host: '127.0.0.1', port: 0 }))
  const imageUrl = at(await listen(image.face, { service: 'image', host: '127.0.0.1', port: 0 }))
  const volumeUrl = at(await listen(volume.face, { service: 'volume', host: '127.0.0.1', port: 0 }))
  const everywhere = (url: string) => ({ public: url, internal: url, admin: url })
  await identity.setCatalog([
    { type: 'identity', name: 'keystone', endpoints: everywhere(`${identityUrl}/v3`) },
    { type: 'image', name: 'glance', endpoints: everywhere(imageUrl) },
    { type: 'volumev3', name: 'cinderv3', endpoints: everywhere(`${volumeUrl}/v3/$(project_id)s`) },
  ])
  return {
    identity,
    image,
    volume,
    identityUrl,
    imageUrl,
    volumeUrl,
    imagesPath,
    volumesPath,
    close: () => closers.close(),
  }
}

/** An HTTP answer, looked into by path: `reply.get('token.roles.0.name')`. */
export class Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string

  constructor(status: number, headers: Headers, text: string) {
    this.status = status
    this.headers = headers
    this.text = text
  }

  get(path: string): unknown {
    let value: unknown = JSON.parse(this.text)
    for (const key of path === '' ? [] : path.split('.')) {
      value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
    }
    return value
  }

  string(path: string): string {
    const value = this.get(path)
    assert.equal(typeof value, 'string', `${path} in ${this.text}`)
    return String(value)
  }

  /** One attribute of each item of a list. */
  each(path: string, attribute: string): unknown[] {
    const list = this.get(path)
    assert.ok(Array.isArray(list), `${path} in ${this.text}`)
    return list.map((item: unknown) => new Reply(this.status, this.headers, JSON.stringify(item)).get(attribute))
  }

  expect(status: number): this {
    assert.equal(this.status, status, this.text)
    return this
  }
}

export interface CallOptions {
  readonly token?: string
  /** Travels as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Travels as it is. */
  readonly raw?: Uint8Array<ArrayBuffer>
}

export async function call(method: string, url: string, options: CallOptions = {}): Promise<Reply> {
  const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(options.token === undefined ? {} : { 'x-auth-token': options.token }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(payload === undefined ? {} : { body: payload }),
  })
  return new Reply(response.status, response.headers, await response.text())
}

export interface Login {
  readonly user: string
  readonly password: string
  readonly domain?: string
  /** The part of `auth` after `identity`; a project of domain Default by name is the common one. */
  readonly project?: string
  readonly scope?: unknown
}

/** POST /v3/auth/tokens with a password. */
export function login(cloud: Cloud, who: Login): Promise<Reply> {
  const domain = { id: who.domain ?? 'default' }
  const scope = who.project === undefined ? who.scope : { project: { name: who.project, domain } }
  return call('POST', `${cloud.identityUrl}/v3/auth/tokens`, {
    body: {
      auth: {
        identity: { methods: ['password'], password: { user: { name: who.user, domain, password: who.password } } },
        ...(scope === undefined ? {} : { scope }),
      },
    },
  })
}

export const tokenOf = (reply: Reply): string => {
  reply.expect(201)
  const token = reply.headers.get('x-subject-token')
  assert.ok(token)
  return token
}

export const adminToken = async (cloud: Cloud): Promise<string> =>
  tokenOf(await login(cloud, { user: 'admin', password: adminPassword, project: 'admin' }))

export interface Person {
  readonly userId: string
  readonly projectId: string
  readonly name: string
  readonly password: string
  token(): Promise<string>
}

/** A new user with a role on a new project. */
export async function newPerson(cloud: Cloud, name: string, role = 'member'): Promise<Person> {
  const { token } = await cloud.identity.port.serviceCaller()
  const v3 = `${cloud.identityUrl}/v3`
  const password = `password of ${name}`
  const user = await call('POST', `${v3}/users`, { token, body: { user: { name, password } } })
  const project = await call('POST', `${v3}/projects`, { token, body: { project: { name } } })
  const userId = user.expect(201).string('user.id')
  const projectId = project.expect(201).string('project.id')
  const roleId = cloud.identity.bootstrapped.roleIds[role]
  ;(await call('PUT', `${v3}/projects/${projectId}/users/${userId}/roles/${roleId}`, { token })).expect(204)
  const issue = async () => tokenOf(await login(cloud, { user: name, password, project: name }))
  return { userId, projectId, name, password, token: issue }
}

export interface ClientRun {
  /** The JSON documents that the commands printed, in order. */
  readonly documents: unknown[]
  readonly errors: string
}

/** Successive JSON documents, each starting in the first column. */
function documentsOf(output: string): unknown[] {
  const documents: unknown[] = []
  let text = ''
  for (const line of output.split('\n')) {
    if (text === '' && !/^[[{]/.test(line)) continue
    text += `${line}\n`
    try {
      documents.push(JSON.parse(text))
      text = ''
    } catch {
      // The document goes on in the next line.
    }
  }
  assert.equal(text, '', 'a document of the client ended early')
  return documents
}

/** Runs commands in one process of the real `openstack` client; give them `-f json`. */
export async function openstack(
  env: Readonly<Record<string, string>>,
  commands: readonly string[],
): Promise<ClientRun> {
  const client = spawn('openstack', [], {
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: '/nonexistent', OS_IDENTITY_API_VERSION: '3', ...env },
  })
  let output = ''
  let errors = ''
  client.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  client.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  client.stdin.end(`${commands.join('\n')}\n`)
  await new Promise<void>((resolve, reject) => {
    client.on('error', error =>
      reject(new Error('the openstack client does not run: apt-get install python3-openstackclient', { cause: error })),
    )
    client.on('close', () => resolve())
  })
  return { documents: documentsOf(output), errors }
}

export const clientEnv = (cloud: Cloud, who: { user: string; password: string; project: string }) => ({
  OS_AUTH_URL: `${cloud.identityUrl}/v3`,
  OS_USERNAME: who.user,
  OS_PASSWORD: who.password,
  OS_PROJECT_NAME: who.project,
  OS_USER_DOMAIN_ID: 'default',
  OS_PROJECT_DOMAIN_ID: 'default',
})
