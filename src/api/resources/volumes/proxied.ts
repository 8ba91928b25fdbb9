import { type Fields, list, type OutOf, obj, operation, reply, until } from '#api/kit'
import type { Caller, VolumePort } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { pageQuery, slice } from './slice.ts'

export const exists = until('2.36')
const op = operation<ApiDeps>()
const opOnOne = operation<ApiDeps, { id: string }>()

/** One kind of thing of the volume service, as the Compute API has always shown it. */
export interface Proxied<F extends Fields, T> {
  readonly rule: string
  /** `volume` or `snapshot`, as replies name it. */
  readonly name: string
  readonly fields: F
  readonly view: (thing: T) => OutOf<F>
  readonly all: (volumes: VolumePort, caller: Caller) => Promise<readonly T[]>
  readonly one: (volumes: VolumePort, caller: Caller, id: string) => Promise<T>
  readonly remove: (volumes: VolumePort, caller: Caller, id: string) => Promise<void>
  /** Besides what every removal may be refused for. */
  readonly notFound: Readonly<Record<string, number>>
  readonly cannotRemove?: Readonly<Record<string, number>>
}

/** Everything but its creation. */
export function proxied<const F extends Fields, T>(of: Proxied<F, T>) {
  const { rule, name, fields, view } = of
  const listing = (word: string) =>
    op({
      exists,
      policy: `${rule}:${word}`,
      query: pageQuery,
      reply: reply(`${name}s`, list(obj(fields))),
      faults: { InvalidInput: 400, Forbidden: 403 },
      async handle({ caller, allow, page, rawQuery }, deps) {
        allow()
        return slice(await of.all(deps.volumes, caller), rawQuery, page()).map(view)
      },
    })
  const show = opOnOne({
    exists,
    policy: `${rule}:show`,
    reply: reply(name, obj(fields)),
    faults: { ...of.notFound, Forbidden: 403 },
    async handle({ path, caller, allow }, deps) {
      allow()
      return view(await of.one(deps.volumes, caller, path.id))
    },
  })
  const remove = opOnOne({
    exists,
    status: 202,
    policy: `${rule}:delete`,
    faults: { ...of.notFound, InvalidInput: 400, Forbidden: 403, ...of.cannotRemove },
    async handle({ path, caller, allow }, deps) {
      allow()
      await of.remove(deps.volumes, caller, path.id)
    },
  })
  return { 'GET /': listing('list'), 'GET /detail': listing('detail'), 'GET /{id}': show, 'DELETE /{id}': remove }
}
