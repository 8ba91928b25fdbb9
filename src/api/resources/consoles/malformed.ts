import { declareFault } from '#base'

/** What can no longer be asked for: refused in the words of the library that Nova answers with. */
export const Malformed = declareFault(
  'HTTPBadRequest',
  'refused',
  () => 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
)
