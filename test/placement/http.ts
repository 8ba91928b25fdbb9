import { listen } from '#http'
import { openWorld, type World } from './fixtures.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed JSON, undefined when there is none; typed by the test that reads it. */
  readonly body: never
  /** Of the first error in the body. */
  readonly detail: string
  readonly code: string | undefined
}

export interface Request {
  readonly body?: unknown
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** `api(12).get('/x')`: requests at version 1.12 as admin. */
export interface Api {
  get(path: string, request?: Request): Promise<Answer>
  put(path: string, body?: unknown, request?: Request): Promise<Answer>
  post(path: string, body?: unknown, request?: Request): Promise<Answer>
  delete(path: string, request?: Request): Promise<Answer>
  send(method: string, path: string, request?: Request): Promise<Answer>
}

export interface Service extends World {
  readonly base: string
  api(minor: number | null): Api
}

async function send(
  base: string,
  minor: number | null,
  method: string,
  path: string,
  request: Request,
): Promise<Answer> {
  const token = request.token === undefined ? 'admin' : request.token
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(token === null ? {} : { 'x-auth-token': token }),
      ...(minor === null ? {} : { 'openstack-api-version': `placement 1.${minor}` }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  })
  const text = await response.text()
  const body = text === '' ? undefined : JSON.parse(text)
  const error = body?.errors?.[0]
  return {
    status: response.status,
    headers: response.headers,
    body: body as never,
    detail: error?.detail ?? '',
    code: error?.code,
  }
}

/** A Placement that listens on a free port. */
export async function startService(): Promise<Service> {
  const world = await openWorld()
  const base = `http://127.0.0.1:${await listen(world.face, { service: 'placement', host: '127.0.0.1', port: 0 })}`
  const api = (minor: number | null): Api => ({
    get: (path, request = {}) => send(base, minor, 'GET', path, request),
    put: (path, body, request = {}) =>
      send(base, minor, 'PUT', path, { ...request, ...(body === undefined ? {} : { body }) }),
    post: (path, body, request = {}) =>
      send(base, minor, 'POST', path, { ...request, ...(body === undefined ? {} : { body }) }),
    delete: (path, request = {}) => send(base, minor, 'DELETE', path, request),
    send: (method, path, request = {}) => send(base, minor, method, path, request),
  })
  return { ...world, base, api }
}
