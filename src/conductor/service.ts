import { hostname } from 'node:os'
import { newUuid } from '#base'
import { conductorContract, type ExpectedGuest, type Handlers } from '#bus'
import type { Notices } from '#notify'
import { type Journal, type Probe, SagaEngine } from '#saga'
import { type Service, type Store, sagaJournal } from '#store'
import { isOutage } from '#store/engine'
import type { ConductorDeps } from './deps.ts'
import { externalEventDesk } from './external-events.ts'
import { keepGuestRecord } from './guest-records.ts'
import { takeHeartbeat } from './instance-ha/heartbeat.ts'
import { refreshNetwork } from './network-info.ts'
import { noticesOf, sagaListener } from './notices.ts'
import { onlyOwnHost } from './only-own-host.ts'
import { patienceOf } from './patience.ts'
import { portsDown } from './plugged-ports.ts'
import { precache } from './precache.ts'
import { resumeGuests } from './reconcilers/host-boot.ts'
import { carryIn } from './reconcilers/host-report.ts'
import { abandonedAt, settleMoves } from './reconcilers/moves.ts'
import { onGuestEvent } from './reconcilers/power-state.ts'
import { sagas } from './sagas/index.ts'
import { startTimers } from './timers.ts'

export interface Conductor {
  readonly engine: SagaEngine<Store>
  /** The hosts are there. */
  resume(): void
  /** Within half a second; running sagas stay where their journals stand. */
  stop(): Promise<void>
}

export interface ConductorStart {
  /** This process is the only conductor (the one-process cloud): sagas of a dead one need not wait for their leases. */
  readonly isAlone: boolean
  /** Sagas of before wait for `resume`: their hosts are not there yet, and would count as down. */
  readonly waitsForHosts?: boolean
  /** It works for a cell from outside: the cell's list of services has not got it. */
  readonly isOutside?: boolean
  /** Another conductor of this process answers on the same bus, for its own cell's hosts. */
  readonly isSilent?: boolean
  /** What is said of sagas concerns those of other cells in this process too. */
  readonly onSaga?: (what: 'wake' | 'interrupt', sagaId: string) => void
  readonly probe?: Probe
}

async function expectedGuests(deps: ConductorDeps, host: string): Promise<readonly ExpectedGuest[]> {
  const instances = await deps.store.instances.onHost(host)
  return instances.map(instance => ({
    id: instance.id,
    vmState: instance.vmState,
    taskState: instance.taskState,
    powerState: instance.powerState,
  }))
}

async function knownGuests(deps: ConductorDeps, ids: readonly string[]) {
  const known = []
  for (const id of ids) {
    const instance = await deps.store.instances.find(id, { withDeleted: true })
    if (instance !== undefined)
      known.push({
        id,
        host: instance.host,
        isDeleted: instance.isDeleted,
        // One that is put away has the time at which it was.
        deletedAtMs: instance.isDeleted ? instance.deletedAtMs : null,
        taskState: instance.taskState,
      })
  }
  return known
}

function handlers(
  deps: ConductorDeps,
  engine: SagaEngine<Store>,
  onSaga: ConductorStart['onSaga'],
): Handlers<typeof conductorContract> {
  const { store, clock } = deps
  const takeEvents = externalEventDesk(deps)
  return {
    hello: async ({ host, binary, version }) => {
      const topic = binary.replace(/^nova-/, '')
      const service = await registerService(store, noticesOf(deps), { host, binary, topic, version }, clock.now())
      return { serviceId: service.uuid }
    },
    ready: async () => {
      engine.poke()
      return null
    },
    heartbeat: ({ host, binary, leaseMs = null }) => takeHeartbeat(deps, host, binary, leaseMs),
    reportHost: async report => {
      // An operator may have deleted the service of a host that still runs: it comes back with its next start.
      if ((await store.services.find(report.host, 'nova-compute')) !== undefined) await carryIn(deps, report)
      return null
    },
    guestEvent: async ({ host, event }) => {
      await onGuestEvent(deps, host, event)
      return null
    },
    guestRecord: async report => {
      await keepGuestRecord(deps, report)
      return null
    },
    hypervisorLost: async ({ host, ip, fault }) => {
      const notices = noticesOf(deps)
      const failure = { fault, module: 'nova.virt.libvirt', function: 'connect' }
      await notices.together(store, tx => notices.tell(tx, 'libvirt.connect.error', { host, ip, failure }))
      return null
    },
    expectedGuests: ({ host }) => expectedGuests(deps, host),
    knownGuests: ({ ids }) => knownGuests(deps, ids),
    resumeGuests: async ({ host, off }) => {
      for (const id of await resumeGuests(deps, host, off)) engine.wake(id)
      return null
    },
    refreshNetwork: async ({ instanceId }) => {
      await refreshNetwork(deps, instanceId)
      return null
    },
    cacheImages: async ({ hosts, images, aggregate, asker }) => {
      const work = () => precache(deps, hosts, images, aggregate)
      void (asker === undefined ? work() : noticesOf(deps).as(asker, work)).catch((error: unknown) =>
        deps.log.error({ err: error }, 'images were not fetched ahead'),
      )
      return null
    },
    externalEvents: async ({ events }) => {
      takeEvents(events)
      return null
    },
    settleMoves: ({ host, ...found }) => settleMoves(deps, host, found),
    abandoned: async ({ host, ids }) => ({ ids: await abandonedAt(deps, host, ids) }),
    portsDown: ({ instanceId, portIds, isSure }) => portsDown(deps, instanceId, portIds, isSure),
    wake: async ({ sagaId }) => {
      engine.wake(sagaId)
      onSaga?.('wake', sagaId)
      return null
    },
    interrupt: async ({ sagaId }) => {
      engine.interrupt(sagaId)
      onSaga?.('interrupt', sagaId)
      return null
    },
  }
}

/** The row of a daemon, and that there is a new one. */
export const registerService = (
  store: Store,
  notices: Notices,
  service: Parameters<Store['services']['register']>[0],
  nowMs: number,
): Promise<Service> =>
  notices.together(store, async tx => {
    const registered = await tx.services.register(service, nowMs)
    if (registered.isNew) await notices.tell(tx, 'service.create', { service: registered })
    return registered
  })

/** nova-conductor: runs the sagas and answers the hosts. */
export async function startConductor(given: ConductorDeps, start: ConductorStart): Promise<Conductor> {
  const deps: ConductorDeps = { ...given, failingNodes: new Set() }
  const name = hostname()
  if (start.isAlone) await deps.store.sagas.releaseAllOwners()
  const listener = sagaListener(deps)
  const engine = new SagaEngine({
    store: sagaJournal<Journal>(deps.store, deps.clock),
    definitions: Object.values(sagas),
    deps,
    owner: `${name}:${process.pid}:${newUuid()}`,
    log: deps.log,
    clock: deps.clock,
    patience: patienceOf(deps),
    isOutage,
    ...(listener === undefined ? {} : { listener }),
    ...(start.probe === undefined ? {} : { probe: start.probe }),
  })
  const serve = () => deps.bus.serve(conductorContract, name, onlyOwnHost(deps, handlers(deps, engine, start.onSaga)))
  const stopServing = start.isSilent === true ? () => undefined : serve()
  const self = { host: name, binary: 'nova-conductor', topic: 'conductor', version: serviceVersion }
  if (start.isOutside !== true) await registerService(deps.store, noticesOf(deps), self, deps.clock.now())
  const timers = startTimers(deps, engine, name)
  if (start.waitsForHosts !== true) engine.start()
  return {
    engine,
    resume: () => engine.start(),
    stop: async () => {
      for (const stopTimer of timers) stopTimer()
      stopServing()
      await engine.stop()
    },
  }
}

/** Nova's service version; the number of the release whose behaviour we show (2.104 belongs to 2026.2). */
export const serviceVersion = 73

/** The oldest nova-compute that services of this release work beside. There has been no release before this one. */
export const oldestComputeVersion = serviceVersion
