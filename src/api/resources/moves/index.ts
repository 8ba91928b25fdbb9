import { resource } from '#api/kit'
import { evacuate } from './evacuate.ts'
import { migrateLive } from './live.ts'
import { confirmResize, migrate, resize, revertResize } from './resize.ts'

/** A server goes to another flavor or another host: off, running, or away from a host that is dead. */
export const moves = resource('/servers', {
  'POST /{id}/action resize': resize,
  'POST /{id}/action confirmResize': confirmResize,
  'POST /{id}/action revertResize': revertResize,
  'POST /{id}/action migrate': migrate,
  'POST /{id}/action os-migrateLive': migrateLive,
  'POST /{id}/action evacuate': evacuate,
})
