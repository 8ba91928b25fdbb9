import { remote } from './procedures.ts'

/** Devices of the host, by libvirt's names for them. */
export const nodeDeviceProcedures = {
  list: remote(
    'list node devices',
    285,
    (w, { flags }: { flags: number }) => {
      // Wants the names, not just their number.
      w.int(1).uint(flags)
    },
    r => {
      const names = r.array(x => x.string())
      r.uint()
      return names
    },
  ),
  xml: remote(
    'node device',
    114,
    (w, { name }: { name: string }) => {
      w.string(name).uint(0)
    },
    r => r.string(),
  ),
} as const
