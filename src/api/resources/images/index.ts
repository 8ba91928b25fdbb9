import { resource } from '#api/kit'
import { metadataOperations } from './metadata.ts'
import { detailed, index, remove, show } from './proxy.ts'

/**
 * Images through the Compute API, as before the image service had an API of its own: proxies of that service, with the
 * rights that the caller has there.
 */
export const images = resource('/images', {
  'GET /': index,
  'GET /detail': detailed,
  'GET /{id}': show,
  'DELETE /{id}': remove,
})

/** The custom properties of an image. */
export const imageMetadata = resource('/images/{image_id}/metadata', {
  'GET /': metadataOperations.index,
  'POST /': metadataOperations.add,
  'PUT /': metadataOperations.replaceAll,
  'GET /{id}': metadataOperations.show,
  'PUT /{id}': metadataOperations.set,
  'DELETE /{id}': metadataOperations.remove,
})
