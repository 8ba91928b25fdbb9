import { list, obj, oneOf, operation, reply, resource, str, versionDocument } from '#api/kit'
import { declareFault } from '#base'

/** One API version by id. The documents at the roots of the mounts need no token and are the kit's own. */
const VersionNotFound = declareFault('VersionNotFound', 'missing', () => 'The resource could not be found.')

const op = operation<unknown>()

export const versions = resource('/versions', {
  'GET /{id}': op({
    policy: null,
    reply: reply('version', {
      id: str,
      status: oneOf('CURRENT', 'SUPPORTED', 'DEPRECATED'),
      version: str,
      min_version: str,
      updated: str,
      links: list(obj({ rel: str, type: str.optional(), href: str })),
      'media-types': list(obj({ base: str, type: str })),
    }),
    faults: { VersionNotFound: 404 },
    handle({ path, links, isLegacy }) {
      const { base, mount } = links.place
      // On the old mount every id shows the old version, as it does in Nova.
      const found = versionDocument(base, mount, isLegacy ? 'v2.0' : path.id)
      if (found === undefined) throw VersionNotFound({})
      return found.version
    },
  }),
})
