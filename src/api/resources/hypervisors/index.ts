import { resource } from '#api/kit'
import { detailed, index } from './list.ts'
import { search, servers, show, uptime } from './one.ts'
import { totals } from './statistics.ts'

/** The compute nodes as an operator sees them: what each is, has and gives away. */
export const hypervisors = resource('/os-hypervisors', {
  'GET /': index,
  'GET /detail': detailed,
  'GET /statistics': totals,
  'GET /{id}': show,
  'GET /{id}/uptime': uptime,
  'GET /{id}/search': search,
  'GET /{id}/servers': servers,
})
