import { resource } from '#api/kit'
import { index } from './list.ts'
import { remove } from './remove.ts'
import { update } from './update.ts'

/** The daemons: who is there, who may get new servers. A host leaves the cloud by the deletion of its nova-compute. */
export const services = resource('/os-services', {
  'GET /': index,
  'PUT /{id}': update,
  'DELETE /{id}': remove,
})
