import { list, obj, operation, query, reply, resource, since, str } from '#api/kit'
import { declareFault } from '#base'
import { extensionTable, oldExtensionTable } from './table.ts'

/**
 * The list of API extensions. There are none any more: the answer is fixed since versions took their place, and old
 * clients read it to find out what they may call.
 */
const ExtensionNotFound = declareFault('ExtensionNotFound', 'missing', () => 'The resource could not be found.')

const extension = { alias: str, description: str, links: list(obj({})), name: str, namespace: str, updated: str }

const view = ([alias, name, description]: (typeof extensionTable)[number]) => ({
  alias,
  description,
  links: [],
  name,
  namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
  updated: '2014-12-03T00:00:00Z',
})

const current = extensionTable.map(view)
const old = [...extensionTable, ...oldExtensionTable].sort(([a], [b]) => (a < b ? -1 : 1)).map(view)

const op = operation<unknown>()
const noQuery = query({}, { strict: since('2.102') })
const policy = 'os_compute_api:extensions'

export const extensions = resource('/extensions', {
  'GET /': op({
    policy,
    query: noQuery,
    reply: reply('extensions', list(obj(extension))),
    handle({ allow, isLegacy }) {
      allow({})
      return isLegacy ? old : current
    },
  }),

  'GET /{id}': op({
    policy,
    query: noQuery,
    reply: reply('extension', extension),
    faults: { ExtensionNotFound: 404 },
    handle({ allow, isLegacy, path }) {
      allow({})
      const found = (isLegacy ? old : current).find(({ alias }) => alias === path.id)
      if (found === undefined) throw ExtensionNotFound({})
      return found
    },
  }),
})
