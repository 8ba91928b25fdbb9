import { resource } from '#api/kit'
import {
  consoleOutput,
  destroy,
  forceDelete,
  lock,
  pause,
  reboot,
  resume,
  start,
  stop,
  suspend,
  unlock,
  unpause,
} from './actions.ts'
import { changePassword } from './change-password.ts'
import { create } from './create.ts'
import { restore } from './deferred-delete.ts'
import { detailed, index } from './list.ts'
import { injectNetworkInfo, triggerCrashDump } from './operator-actions.ts'
import { rebuild } from './rebuild.ts'
import { rescue, unrescue } from './rescue.ts'
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
  'POST /{id}/action suspend': suspend,
  'POST /{id}/action resume': resume,
  'POST /{id}/action rescue': rescue,
  'POST /{id}/action unrescue': unrescue,
  'POST /{id}/action rebuild': rebuild,
  'POST /{id}/action changePassword': changePassword,
  'POST /{id}/action trigger_crash_dump': triggerCrashDump,
  'POST /{id}/action injectNetworkInfo': injectNetworkInfo,
  'POST /{id}/action restore': restore,
  'POST /{id}/action lock': lock,
  'POST /{id}/action unlock': unlock,
  'POST /{id}/action forceDelete': forceDelete,
  'POST /{id}/action os-getConsoleOutput': consoleOutput,
})
