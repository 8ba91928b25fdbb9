/**
 * Cinder's own driver for NFS, beside the one of sparse files. A kernel without NFS can mount no share, and neither Cinder nor Nova asks for
 * more than that it is mounted under the name that both make of it: here a folder is bound there.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Closers } from '#base'
import { Rest } from '../../test/cloud/rest.ts'
import type { Neighbours, NeighboursFile } from './neighbours.ts'
import { host, type Place, withShims } from './place.ts'

/** The type of volumes that are there. */
export const nfsType = 'nfs'

/** `nfs_mount_point_base` of Cinder, and of a nova-compute whose guests are to have its volumes. */
export const nfsMounts = ({ folder }: Pick<NeighboursFile, 'folder'>): string => join(folder, 'state/cinder/mnt')

const run = promisify(execFile)

async function bindShare(place: Place, closers: Closers): Promise<string> {
  const shared = place.at('state', 'cinder', 'shared')
  const name = createHash('md5').update(`${host}:${shared}`).digest('hex')
  const mounted = join(nfsMounts(place), name)
  mkdirSync(mounted, { recursive: true })
  await run('mount', ['--bind', shared, mounted])
  // The folder is removed after the run, which a mount in it would prevent.
  closers.add(async () => {
    await run('umount', ['--lazy', mounted])
  })
  return shared
}

/** Without a wish volumes stay the files that they are for everybody else. */
async function nameTypes(place: Place): Promise<void> {
  const admin = await Rest.login(place.url('keystone'), 'admin', place.passwords.admin, 'admin')
  const cinder = <T>(method: string, path: string, body?: unknown) => admin.call<T>('volumev3', method, path, body)
  const { volume_types: known } = await cinder<{ volume_types: { id: string; name: string }[] }>('GET', '/types')
  const usual = known.find(type => type.name === '__DEFAULT__')?.id
  await cinder('POST', `/types/${usual}/extra_specs`, { extra_specs: { volume_backend_name: 'files' } })
  const extra_specs = { volume_backend_name: nfsType }
  await cinder('POST', '/types', { volume_type: { name: nfsType, extra_specs } })
}

export async function startNfsVolumes({ place, programs, closers }: Neighbours): Promise<void> {
  await nameTypes(place)
  const file = place.configure('cinder', 'nfs.conf', {
    DEFAULT: { enabled_backends: nfsType },
    [nfsType]: {
      volume_driver: 'cinder.volume.drivers.nfs.NfsDriver',
      volume_backend_name: nfsType,
      nas_host: host,
      nas_share_path: await bindShare(place, closers),
      nfs_mount_point_base: nfsMounts(place),
      nfs_snapshot_support: true,
      // With snapshots it works as root, which it is.
      nas_secure_file_operations: 'false',
      nas_secure_file_permissions: 'true',
    },
  })
  const files = [`--config-file=${place.folder}/etc/cinder/cinder.conf`, `--config-file=${file}`]
  programs.start('cinder-volume-nfs', 'cinder-volume', files, withShims(place))
}
