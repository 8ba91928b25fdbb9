import type { GuestSpec } from '../../guest-spec.ts'
import type { DomainHost } from '../domain/index.ts'
import type { DomainStatus } from './power.ts'

/** What changes of one guest are made of. Each looks first whether it is done; all but the first run inside it. */
export interface GuestSteps {
  /** After the changes of this guest before; what libvirt answers becomes a fault. */
  changing<T>(operation: string, work: () => Promise<T>): Promise<T>
  /** Undefined: libvirt has no such guest. */
  settled(): Promise<DomainStatus | undefined>
  /** Throws `GuestNotFound`. */
  existing(): Promise<DomainStatus>
  /** False when the guest did not go down in time. */
  shutDown(withinMs: number): Promise<boolean>
  pullPlug(): Promise<void>
  makeDisk(spec: GuestSpec): Promise<void>
  /** Defines and boots it; the definition is that of the spec unless another is made. */
  run(spec: GuestSpec, made?: (host: DomainHost) => string): Promise<void>
  /** The same for a guest whose disks must be there. */
  runAgain(spec: GuestSpec): Promise<void>
  /** For a guest that is off. */
  define(spec: GuestSpec): Promise<void>
  /** `disks`: what its machine remembers by itself stays, the variables of its UEFI and the state of its TPM. */
  undefine(what?: 'all' | 'disks'): Promise<void>
}
