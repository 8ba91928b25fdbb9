import { operation, query, reply, request, resource, since, str } from '#api/kit'
import { declareFault } from '#base'
import type { ApiDeps } from '../../deps.ts'
import { completed, type Numbers, quotaNames } from '../quota-sets/resources.ts'
import { classLimitsIn, classLimitsOut } from '../quota-sets/shape.ts'

const BadClass = declareFault('InvalidInput', 'refused', (p: { text: string }) => p.text)
const longestName = 255
const op = operation<ApiDeps>()

const limitsOfClass = async (deps: ApiDeps, name: string): Promise<Numbers> =>
  completed(await deps.quotas.defaults(deps.store, name))

/** Limits for all projects at once. Only the class `default` has an effect: it replaces the defaults of nova.conf. */
export const quotaClassSets = resource('/os-quota-class-sets', {
  'GET /{id}': op({
    policy: 'os_compute_api:os-quota-class-sets:show',
    query: query({}, { strict: since('2.102') }),
    reply: reply('quota_class_set', { id: str, ...classLimitsOut }),
    async handle({ path, allow }, deps) {
      allow({})
      return { id: path.id, ...(await limitsOfClass(deps, path.id)) }
    },
  }),

  'PUT /{id}': op({
    policy: 'os_compute_api:os-quota-class-sets:update',
    body: request('quota_class_set', classLimitsIn),
    reply: reply('quota_class_set', classLimitsOut),
    faults: { InvalidInput: 400 },
    async handle({ path, body, allow }, deps) {
      allow({})
      const { length } = path.id
      if (length > longestName) {
        throw BadClass({ text: `quota_class_name has ${length} characters, more than ${longestName}.` })
      }
      // Limits in Keystone are changed there; the answer shows them.
      if (deps.quotas.kind !== 'db') return limitsOfClass(deps, path.id)
      await deps.store.transaction(async tx => {
        for (const name of quotaNames) {
          const limit = body[name]
          if (limit !== undefined) await tx.quotas.setClass(path.id, name, limit)
        }
      })
      return limitsOfClass(deps, path.id)
    },
  }),
})
