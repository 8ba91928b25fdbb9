import { resource } from '#api/kit'
import { consoleOutput, destroy, forceDelete, lock, pause, reboot, start, stop, unlock, unpause } from './actions.ts'
import { create } from './create.ts'
import { detailed, index } from './list.ts'
import { show } from './show.ts'
import { update } from './update.ts'

/** Servers: the heart of the API. Long work is accepted here and done by sagas. */
export const servers = resource('/servers', {
  'GET /': index,
  'GET /detail': detailed,
  'POST /': create,
  'GET /{id}': show,
  'PUT /{id}': update,
  'DELETE /{id}': destroy,
  'POST /{id}/action os-start': start,
  'POST /{id}/action os-stop': stop,
  'POST /{id}/action reboot': reboot,
  'POST /{id}/action pause': pause,
  'POST /{id}/action unpause': unpause,
  'POST /{id}/action lock': lock,
  'POST /{id}/action unlock': unlock,
  'POST /{id}/action forceDelete': forceDelete,
  'POST /{id}/action os-getConsoleOutput': consoleOutput,
})
