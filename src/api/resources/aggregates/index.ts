import { resource } from '#api/kit'
import { addHost, cacheImages, removeHost, setMetadata } from './actions.ts'
import { create, index, remove, show, update } from './crud.ts'

/** Groups of hosts with metadata. The metadata `availability_zone` makes a zone of them. */
export const aggregates = resource('/os-aggregates', {
  'GET /': index,
  'POST /': create,
  'GET /{id}': show,
  'PUT /{id}': update,
  'DELETE /{id}': remove,
  'POST /{id}/action add_host': addHost,
  'POST /{id}/action remove_host': removeHost,
  'POST /{id}/action set_metadata': setMetadata,
  'POST /{id}/images': cacheImages,
})
