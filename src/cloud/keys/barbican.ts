import { randomBytes } from 'node:crypto'
import type { As } from '../glance/port.ts'
import { bodyOf, type HttpReply } from '../http/client.ts'
import { EndpointMissing, NeighbourUnavailable } from '../http/faults.ts'
import { inPath, type ServiceCall, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import { KeyForbidden, KeyManagerError, KeyManagerUnavailable, KeyNotFound, type KeyPort } from './port.ts'

interface WireSecret {
  readonly secret_ref: string
  readonly status?: string
  /** `{ default: 'text/plain' }` */
  readonly content_types?: Readonly<Record<string, string>>
}

interface WireAcl {
  readonly users?: readonly string[]
  readonly 'project-access'?: boolean
}

/** The last part of `https://barbican/v1/secrets/<id>`. */
const idOf = ({ secret_ref }: WireSecret): string => secret_ref.split('/').at(-1) ?? ''

function messageOf({ text, status }: HttpReply): string {
  const said = text.startsWith('{') ? (JSON.parse(text) as { description?: string }).description : text.slice(0, 200)
  return `${said ?? 'no reason given'} (HTTP ${status})`
}

const text = 'text/plain'

/**
 * Barbican v1. It lets in whoever the secret's project or its list of readers names: what Nova makes for a user belongs to
 * him, and Nova itself is put on that list, because a guest may have to start when its user is not there.
 */
export function barbicanKeys(options: ServiceOptions): KeyPort {
  const client = new ServiceClient('key-manager', '/v1', options)
  const reached = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call()
    } catch (error) {
      if (NeighbourUnavailable.is(error)) throw KeyManagerUnavailable({ reason: error.message }, { cause: error })
      if (EndpointMissing.is(error)) throw KeyManagerError({ reason: error.message }, { cause: error })
      throw error
    }
  }
  const accepted = <R extends HttpReply>(id: string, reply: R): R => {
    if (reply.status < 300) return reply
    if (reply.status === 404) throw KeyNotFound({ id }, { detail: reply.place })
    if (reply.status === 403) throw KeyForbidden({ reason: messageOf(reply) }, { detail: `${id}: ${reply.place}` })
    throw KeyManagerError({ reason: messageOf(reply) }, { detail: `${id}: ${reply.place}` })
  }
  const ask = async (as: As, id: string, call: ServiceCall): Promise<HttpReply> =>
    accepted(id, await reached(() => client.call(as, call)))
  const secretPath = (id: string): string => `/secrets/${inPath(id)}`

  const get: KeyPort['get'] = async (as, id) => {
    const path = secretPath(id)
    const { content_types: types } = bodyOf<WireSecret>(await ask(as, id, { method: 'GET', path }))
    const accept = types?.['default'] ?? text
    const call = { method: 'GET', path: `${path}/payload`, headers: { accept } } as const
    // As bytes: a key may be no text.
    const { body = [] } = accepted(id, await reached(() => client.download(as, call)))
    return { id, secret: Buffer.concat(await Array.fromAsync(body)) }
  }

  const share: KeyPort['share'] = async (as, id) => {
    if (as === 'service') return void (await ask(as, id, { method: 'GET', path: secretPath(id) }))
    const path = `${secretPath(id)}/acl`
    const { userId } = await options.session.caller()
    const { read } = bodyOf<{ read?: WireAcl }>(await ask(as, id, { method: 'GET', path }))
    const users = read?.users ?? []
    if (users.includes(userId)) return
    const json = { read: { users: [...users, userId], 'project-access': read?.['project-access'] ?? true } }
    await ask(as, id, { method: 'PUT', path, json })
  }

  const named = async (as: As, name: string): Promise<readonly string[]> => {
    const query = new URLSearchParams({ name, sort: 'created:asc', limit: '10' })
    const reply = await ask(as, name, { method: 'GET', path: '/secrets', query })
    const { secrets } = bodyOf<{ secrets: readonly WireSecret[] }>(reply)
    return secrets.filter(({ status }) => status === undefined || status === 'ACTIVE').map(idOf)
  }

  const remove: KeyPort['remove'] = async (as, id) => {
    try {
      await ask(as, id, { method: 'DELETE', path: secretPath(id) })
    } catch (error) {
      if (!KeyNotFound.is(error)) throw error
    }
  }

  return {
    get,
    share,
    remove,
    async ensure(as, name, bytes) {
      const [known] = await named(as, name)
      const payload = randomBytes(bytes).toString('base64')
      const json = { name, secret_type: 'passphrase', payload, payload_content_type: text }
      const id = known ?? idOf(bodyOf<WireSecret>(await ask(as, name, { method: 'POST', path: '/secrets', json })))
      await share(as, id)
      return get(as, id)
    },
    async forget(as, name) {
      for (const id of await named(as, name)) await remove(as, id)
    },
  }
}
