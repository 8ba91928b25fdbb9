import type { SagaName } from '#bus'
import type { AnyDefinition } from '#saga'
import { isCancel, say } from '../notices.ts'
import { allocationHeal } from './allocation-heal.ts'
import { serverCrashDump } from './crash-dump.ts'
import { hostFence } from './host-fence.ts'
import { interfaceAttach, interfaceDetach } from './interfaces.ts'
import { serverPause, serverReboot, serverStart, serverStop, serverUnpause } from './power.ts'
import { serverRebuild } from './rebuild.ts'
import { serverRescue, serverUnrescue } from './rescue.ts'
import { reservationPlace } from './reservation-place.ts'
import { serverBackup } from './server-backup.ts'
import { serverBuild } from './server-build.ts'
import { serverConfirmResize } from './server-confirm-resize.ts'
import { serverDelete } from './server-delete.ts'
import { serverEvacuate } from './server-evacuate.ts'
import { serverLiveMigrate } from './server-live-migrate.ts'
import { serverResize } from './server-resize.ts'
import { serverRevertResize } from './server-revert-resize.ts'
import { serverShelve } from './server-shelve.ts'
import { serverShelveOffload } from './server-shelve-offload.ts'
import { serverSnapshot } from './server-snapshot.ts'
import { serverUnshelve } from './server-unshelve.ts'
import { serverUnshelveStart } from './server-unshelve-start.ts'
import { serverSetPassword } from './set-password.ts'
import { shareAttach, shareDetach } from './shares.ts'
import { serverRestore, serverSoftDelete } from './soft-delete.ts'
import { serverResume, serverSuspend } from './suspend.ts'
import { volumeExtend } from './volume-extend.ts'
import { volumeSwap } from './volume-swap.ts'
import { volumeAttach, volumeDetach } from './volumes.ts'

/** Whatever it is that fails, its operator is told of it. */
const tellingFailures = (definition: AnyDefinition): AnyDefinition => ({
  ...definition,
  tells: {
    ...definition.tells,
    failed: [
      say('compute.exception', (_, failure) => (isCancel(failure) ? undefined : {})),
      ...[definition.tells['failed'] ?? []].flat(),
    ],
  },
})

const definitions: Readonly<Record<SagaName, AnyDefinition>> = {
  'server-build': serverBuild,
  'reservation-place': reservationPlace,
  'host-fence': hostFence,
  'server-delete': serverDelete,
  'server-start': serverStart,
  'server-stop': serverStop,
  'server-reboot': serverReboot,
  'server-pause': serverPause,
  'server-unpause': serverUnpause,
  'server-snapshot': serverSnapshot,
  'server-backup': serverBackup,
  'server-shelve': serverShelve,
  'server-shelve-offload': serverShelveOffload,
  'server-unshelve': serverUnshelve,
  'server-unshelve-start': serverUnshelveStart,
  'server-suspend': serverSuspend,
  'server-resume': serverResume,
  'server-rescue': serverRescue,
  'server-unrescue': serverUnrescue,
  'server-rebuild': serverRebuild,
  'server-set-password': serverSetPassword,
  'server-crash-dump': serverCrashDump,
  'server-soft-delete': serverSoftDelete,
  'server-restore': serverRestore,
  'allocation-heal': allocationHeal,
  'interface-attach': interfaceAttach,
  'interface-detach': interfaceDetach,
  'server-resize': serverResize,
  'server-confirm-resize': serverConfirmResize,
  'server-revert-resize': serverRevertResize,
  'server-live-migrate': serverLiveMigrate,
  'server-evacuate': serverEvacuate,
  'share-attach': shareAttach,
  'share-detach': shareDetach,
  'volume-attach': volumeAttach,
  'volume-detach': volumeDetach,
  'volume-extend': volumeExtend,
  'volume-swap': volumeSwap,
}

/** Every saga the API may ask for. The engine runs these, and the sweep test goes over exactly these. */
export const sagas = Object.fromEntries(
  Object.entries(definitions).map(([name, definition]) => [name, tellingFailures(definition)]),
) as Readonly<Record<SagaName, AnyDefinition>>
