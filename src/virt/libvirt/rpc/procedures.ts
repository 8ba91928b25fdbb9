import { program } from './packet.ts'
import {
  type DomainRef,
  readDomain,
  readTypedParams,
  type TypedParam,
  type TypedParams,
  writeDomain,
  writeTypedParam,
} from './values.ts'
import type { XdrReader, XdrWriter } from './xdr.ts'

/** One remote procedure: its number and how its arguments and result lie on the wire. */
export interface Procedure<Arguments, Result> {
  readonly name: string
  readonly program: number
  readonly number: number
  readonly write: (writer: XdrWriter, args: Arguments) => void
  readonly read: (reader: XdrReader) => Result
}

export const nothing = (): void => undefined

export const remote = <A, R>(
  name: string,
  number: number,
  write: (writer: XdrWriter, args: A) => void,
  read: (reader: XdrReader) => R,
): Procedure<A, R> => ({ name, program: program.remote, number, write, read })

/** A call that takes a domain and flags. */
const withFlags = <Out>(
  name: string,
  number: number,
  read: (r: XdrReader) => Out,
): Procedure<{ domain: DomainRef; flags: number }, Out> =>
  remote(
    name,
    number,
    (w, a) => {
      writeDomain(w, a.domain)
      w.uint(a.flags)
    },
    read,
  )

const onDomain = (name: string, number: number) => withFlags(name, number, nothing)

/** A question about a domain, without flags that are set. */
const askDomain = <Out>(name: string, number: number, read: (r: XdrReader) => Out): Procedure<DomainRef, Out> =>
  remote(
    name,
    number,
    (w, domain) => {
      writeDomain(w, domain)
      w.uint(0)
    },
    read,
  )

/** Of all file systems of the guest; how many it were. */
const onFileSystems = (name: string, number: number): Procedure<DomainRef, number> =>
  remote(
    name,
    number,
    (w, domain) => {
      writeDomain(w, domain)
      w.array([], () => undefined).uint(0)
    },
    r => r.int(),
  )

const onDomainOnly = (name: string, number: number): Procedure<DomainRef, void> =>
  remote(name, number, (w, a) => writeDomain(w, a), nothing)

/** A call that takes a domain, a document and flags. */
export const withXml = (
  name: string,
  number: number,
): Procedure<{ domain: DomainRef; xml: string; flags: number }, void> =>
  remote(
    name,
    number,
    (w, a) => {
      writeDomain(w, a.domain)
      w.string(a.xml).uint(a.flags)
    },
    nothing,
  )

export interface DomainStats {
  readonly domain: DomainRef
  readonly params: TypedParams
}

export const optionalString = (w: XdrWriter, text: string | undefined): unknown =>
  w.optional(text, (o, t) => o.string(t))

export const procedures = {
  authList: remote('auth list', 66, nothing, r => r.array(x => x.int())),
  open: remote(
    'open',
    1,
    (w, a: { uri: string; flags: number }) => {
      w.optional(a.uri, (o, uri) => o.string(uri)).uint(a.flags)
    },
    nothing,
  ),
  version: remote('version', 4, nothing, r => Number(r.uhyper())),
  libVersion: remote('libvirt version', 157, nothing, r => Number(r.uhyper())),
  hostname: remote('hostname', 59, nothing, r => r.string()),
  capabilities: remote('capabilities', 7, nothing, r => r.string()),
  domainCapabilities: remote(
    'domain capabilities',
    342,
    (w, a: { emulator?: string; arch?: string; machine?: string; virtType?: string }) => {
      optionalString(w, a.emulator)
      optionalString(w, a.arch)
      optionalString(w, a.machine)
      optionalString(w, a.virtType)
      w.uint(0)
    },
    r => r.string(),
  ),
  baselineCpu: remote(
    'baseline cpu',
    394,
    (w, a: { arch: string; virtType: string; cpus: readonly string[]; flags: number }) => {
      optionalString(w, undefined)
      optionalString(w, a.arch)
      optionalString(w, undefined)
      optionalString(w, a.virtType)
      w.array(a.cpus, (o, cpu) => o.string(cpu)).uint(a.flags)
    },
    r => r.string(),
  ),
  define: remote(
    'define',
    350,
    (w, a: { xml: string; flags: number }) => {
      w.string(a.xml).uint(a.flags)
    },
    readDomain,
  ),
  create: withFlags('create', 196, readDomain),
  getState: askDomain('get state', 212, r => ({ state: r.int(), reason: r.int() })),
  xml: withFlags('xml', 14, r => r.string()),
  destroy: onDomain('destroy', 234),
  undefine: onDomain('undefine', 231),
  shutdown: onDomain('shutdown', 258),
  suspend: onDomainOnly('suspend', 34),
  resume: onDomainOnly('resume', 28),
  managedSave: onDomain('managed save', 182),
  hasManagedSave: askDomain('has managed save', 183, r => r.int() === 1),
  removeManagedSave: onDomain('remove managed save', 184),
  managedSaveXml: askDomain('xml of managed save', 388, r => r.string()),
  injectNmi: onDomain('inject NMI', 210),
  setUserPassword: remote(
    'set user password',
    357,
    (w, a: { domain: DomainRef; user: string; password: string }) => {
      writeDomain(w, a.domain)
      optionalString(w, a.user)
      optionalString(w, a.password)
      w.uint(0)
    },
    nothing,
  ),
  setTime: remote(
    'set time',
    338,
    (w, a: { domain: DomainRef; seconds: number; nanoseconds: number }) => {
      writeDomain(w, a.domain)
      w.hyper(BigInt(a.seconds)).uint(a.nanoseconds).uint(0)
    },
    nothing,
  ),
  /** For all later commands to the agent of this guest. */
  setAgentTimeout: remote(
    'set timeout of agent',
    420,
    (w, a: { domain: DomainRef; seconds: number }) => {
      writeDomain(w, a.domain)
      w.int(a.seconds).uint(0)
    },
    nothing,
  ),
  freezeFileSystems: onFileSystems('freeze file systems', 335),
  thawFileSystems: onFileSystems('thaw file systems', 336),
  /** Copies disks as they are at this moment, while the guest runs; the job ends by itself. */
  beginBackup: remote(
    'begin backup',
    421,
    (w, a: { domain: DomainRef; xml: string; flags: number }) => {
      writeDomain(w, a.domain)
      w.string(a.xml)
      optionalString(w, undefined)
      w.uint(a.flags)
    },
    nothing,
  ),
  backupXml: askDomain('xml of backup', 422, r => r.string()),
  abortJob: onDomainOnly('abort job', 164),
  jobStats: withFlags('job stats', 298, r => ({ type: r.int(), params: readTypedParams(r) })),
  attachDevice: withXml('attach device', 160),
  detachDevice: withXml('detach device', 161),
  updateDevice: withXml('update device', 174),
  stats: remote(
    'domain stats',
    344,
    (w, a: { domains: readonly DomainRef[]; stats: number; flags: number }) => {
      w.array(a.domains, writeDomain).uint(a.stats).uint(a.flags)
    },
    (r): DomainStats[] => r.array(x => ({ domain: readDomain(x), params: readTypedParams(x) })),
  ),
  /** Lasts as long as the whole migration; the source's daemon speaks to the target's by itself. */
  migrate: remote(
    'migrate',
    305,
    (w, a: { domain: DomainRef; peerUri: string; params: readonly TypedParam[]; flags: number }) => {
      writeDomain(w, a.domain)
      optionalString(w, a.peerUri)
      w.array(a.params, writeTypedParam).opaque(Buffer.alloc(0)).uint(a.flags)
    },
    nothing,
  ),
  isPersistent: remote(
    'is persistent',
    151,
    (w, domain: DomainRef) => writeDomain(w, domain),
    r => r.int() === 1,
  ),
  setMaxDowntime: remote(
    'set downtime of migration',
    166,
    (w, a: { domain: DomainRef; ms: number }) => {
      writeDomain(w, a.domain)
      w.uhyper(BigInt(a.ms)).uint(0)
    },
    nothing,
  ),
  startPostCopy: onDomain('start post-copy', 364),
  compareCpu: remote(
    'compare cpu',
    393,
    (w, a: { arch: string; virtType: string; cpu: string }) => {
      optionalString(w, undefined)
      optionalString(w, a.arch)
      optionalString(w, undefined)
      optionalString(w, a.virtType)
      w.string(a.cpu).uint(0)
    },
    r => r.int(),
  ),
  registerEvent: remote(
    'register event',
    316,
    (w, eventId: number) => {
      w.int(eventId).uint(0)
    },
    r => r.int(),
  ),
  monitorCommand: {
    name: 'monitor command',
    program: program.qemu,
    number: 1,
    write: (w: XdrWriter, a: { domain: DomainRef; command: string; flags: number }) => {
      writeDomain(w, a.domain)
      w.string(a.command).uint(a.flags)
    },
    read: (r: XdrReader) => r.string(),
  },
} as const

/** Numbers of the messages the daemon sends by itself, after `registerEvent`. */
export const eventMessage = {
  lifecycle: 318,
  deviceRemoved: 333,
  blockJob: 339,
  agent: 348,
  jobCompleted: 363,
  deviceRemovalFailed: 367,
} as const
/** virDomainEventID */
export const eventId = {
  lifecycle: 0,
  deviceRemoved: 15,
  blockJob: 16,
  agent: 18,
  jobCompleted: 21,
  deviceRemovalFailed: 22,
} as const

const questions = new Set<unknown>([
  procedures.version,
  procedures.libVersion,
  procedures.hostname,
  procedures.capabilities,
  procedures.domainCapabilities,
  procedures.baselineCpu,
  procedures.getState,
  procedures.hasManagedSave,
  procedures.backupXml,
  procedures.jobStats,
  procedures.xml,
  procedures.stats,
  procedures.isPersistent,
  procedures.compareCpu,
])

/** Changes nothing, so it may be asked again when the answer was lost. */
export const isQuestion = (procedure: unknown): boolean => questions.has(procedure)
