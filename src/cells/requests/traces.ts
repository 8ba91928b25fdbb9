import { isRecord, type JsonRecord } from '#base'
import type { FarRequest } from '#bus'
import type { FarReply, Instance } from '#model'
import type { KeptRequest, Store } from '#store'
import { CellAnswerLost } from '../faults.ts'
import type { LocalApi } from './local-api.ts'

/**
 * What a request has left behind whose nova-cells ended before it could keep the answer. The records of a server name
 * every request that did something to it, in the transaction that did it: who finds no such record may carry the request
 * out, and who finds it must not.
 */
export interface TraceParts {
  /** All that may have the server. */
  readonly stores: () => Promise<readonly Store[]>
  readonly api: LocalApi
  readonly ownName: string
  /** `[api] enable_instance_password`. */
  readonly showsAdminPassword: boolean
}

/** Clocks of the machines of a cell differ at most so much. */
const skewMs = 60_000

/** `/servers/<id>/action` without a project before it. */
function wordsOf(path: string): readonly string[] {
  const words = path.split('/').filter(word => word !== '')
  return words[0] !== 'servers' && words[1] === 'servers' ? words.slice(1) : words
}

const member = (body: unknown, name: string): JsonRecord => {
  const value = isRecord(body) ? body[name] : undefined
  return isRecord(value) ? value : {}
}

const answer = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): FarReply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body,
})

export class Traces {
  readonly #p: TraceParts

  constructor(parts: TraceParts) {
    this.#p = parts
  }

  /** Undefined: nothing was done. `CellAnswerLost`: it was, and nobody can say again what it was answered. */
  async answerOf(request: FarRequest, { begunAtMs }: KeptRequest): Promise<FarReply | undefined> {
    const [first, id, what] = wordsOf(request.path)
    if (first !== 'servers') return undefined
    if (id === undefined) return request.method === 'POST' ? this.#created(request, begunAtMs) : undefined
    const found = (await this.#p.stores()).map(store => store.actions.find(id, request.requestId))
    const action = (await Promise.all(found)).find(one => one !== undefined)
    if (action === undefined) return undefined
    if (what === undefined && request.method === 'DELETE') return answer(204, null)
    if (what === 'action') return this.#acted(request, id)
    throw CellAnswerLost({ cell: this.#p.ownName, action: action.action })
  }

  async #created(request: FarRequest, begunAtMs: number): Promise<FarReply | undefined> {
    const projectId = request.caller.projectId ?? ''
    const filter = { projectId, createdSinceMs: begunAtMs - skewMs, deleted: 'any' as const }
    const made: Instance[] = []
    for (const store of await this.#p.stores()) {
      for (const instance of await store.instances.list({ filter })) {
        if ((await store.actions.find(instance.id, request.requestId)) !== undefined) made.push(instance)
      }
    }
    const [server] = made.sort((a, b) => a.launchIndex - b.launchIndex)
    if (server === undefined) return undefined
    const asked = member(request.body, 'server')
    if (asked['return_reservation_id'] === true) return answer(202, { reservation_id: server.reservationId })
    const shown = await this.#shown(request, server.id)
    const links = Array.isArray(shown['links']) ? shown['links'] : []
    const self = links.find(link => isRecord(link) && link['rel'] === 'self')
    const body = {
      id: server.id,
      links,
      'OS-DCF:diskConfig': shown['OS-DCF:diskConfig'] ?? server.systemMetadata['disk_config'] ?? 'MANUAL',
      security_groups: asked['security_groups'] ?? [{ name: 'default' }],
      ...this.#password(asked),
    }
    const location = isRecord(self) && typeof self['href'] === 'string' ? { location: self['href'] } : {}
    return answer(202, { server: body }, location)
  }

  async #acted(request: FarRequest, id: string): Promise<FarReply> {
    const [name = ''] = isRecord(request.body) ? Object.keys(request.body) : []
    const asked = member(request.body, name)
    if (name === 'createImage' || name === 'createBackup') {
      throw CellAnswerLost({ cell: this.#p.ownName, action: name })
    }
    if (name === 'rescue' || name === 'evacuate') return answer(200, this.#password(asked))
    if (name !== 'rebuild') return answer(202, null)
    return answer(202, { server: { ...(await this.#shown(request, id)), ...this.#password(asked) } })
  }

  /** Empty for one that is gone already. */
  async #shown(request: FarRequest, id: string): Promise<JsonRecord> {
    const { body: _, query: __, ...rest } = request
    const { body } = await this.#p.api.run({ ...rest, method: 'GET', path: `/servers/${id}` }, false)
    return member(body, 'server')
  }

  /** It comes with the request, so that every answer to it has the same. */
  #password(asked: JsonRecord): { adminPass?: string } {
    const given = asked['adminPass']
    return this.#p.showsAdminPassword && typeof given === 'string' ? { adminPass: given } : {}
  }
}
