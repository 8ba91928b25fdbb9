import { declareFault } from '#base'

export const ImageNotFound = declareFault(
  'ImageNotFound',
  'missing',
  (p: { id: string }) => `Image ${p.id} could not be found.`,
)

/** The image exists but its bits cannot be had: still queued, deactivated, or gone from the store. */
export const ImageUnavailable = declareFault(
  'ImageUnacceptable',
  'refused',
  (p: { id: string; reason: string }) => `Image ${p.id} is unacceptable: ${p.reason}`,
)

/** One may see the image, but not do this to it. */
export const ImageNotAuthorized = declareFault(
  'ImageNotAuthorized',
  'refused',
  (p: { id: string }) => `Not authorized for image ${p.id}.`,
  403,
)

/** Glance understood and refused; `response` are its own words. */
export const ImageBadRequest = declareFault(
  'ImageBadRequest',
  'refused',
  (p: { id: string; response: string }) => `Request of image ${p.id} got BadRequest response: ${p.response}`,
)

/** A new image or a list that Glance cannot make of these words; told as Nova's client of Glance tells it. */
export const ImageInvalid = declareFault(
  'Invalid',
  'refused',
  (p: { reason: string }) => `HTTP 400 Bad Request: ${p.reason}`,
)
export const ImageForbidden = declareFault(
  'Forbidden',
  'refused',
  (p: { reason: string }) => `HTTP 403 Forbidden: ${p.reason}`,
  403,
)

export const ImageQuotaExceeded = declareFault(
  'ImageQuotaExceeded',
  'refused',
  (p: { id: string }) => `Quota exceeded or out of space for image ${p.id} in the image service.`,
  413,
)

/** Somebody else uses it, or its status does not allow this now. */
export const ImageConflict = declareFault('ImageConflict', 'conflict', (p: { reason: string }) => p.reason)
