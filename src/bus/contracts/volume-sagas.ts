import type { ServerTask } from './server-task.ts'

/** Volumes of servers that exist: what each saga about them is told. `deviceId` is the disk's id in the server's record. */
export interface VolumeSagaInputs {
  'volume-attach': ServerTask & { readonly deviceId: string }
  'volume-detach': ServerTask & { readonly deviceId: string; readonly volumeId: string }
  'volume-extend': ServerTask & { readonly volumeId: string }
  'volume-swap': ServerTask & {
    readonly deviceId: string
    readonly oldVolumeId: string
    readonly newVolumeId: string
  }
}
