import { operation, type Resource } from '#api/kit'
import { declareFault } from '#base'

/** In the words of the library that Nova takes this answer from. */
const Gone = declareFault(
  'HTTPGone',
  'missing',
  () => 'This resource is no longer available.  No forwarding address is given.',
  410,
)

/** No rule and no shape: whoever has a token learns that it is gone, once his body is JSON. */
const gone = operation<unknown>()({
  policy: null,
  faults: { HTTPGone: 410 },
  summary: 'Removed; 410 at every microversion',
  handle() {
    throw Gone({})
  },
})

/** `['GET /os-fping', 'POST /os-fixed-ips/{id}/action reserve', …]`: routes of Nova that have no function any more. */
export const goneRoutes = (routes: readonly string[]): Resource<unknown> => ({
  endpoints: routes.map(route => {
    const [method = '', path = '', action] = route.split(' ')
    return { method, path, action, operation: gone }
  }),
})
