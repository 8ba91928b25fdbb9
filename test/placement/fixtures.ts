import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, Fault, newUuid, silentLog, systemClock } from '#base'
import {
  type Caller,
  type CandidateQuery,
  type Claim,
  type IdentityPort,
  type Inventory,
  type PlacementPort,
  type RequestGroup,
  TokenInvalid,
} from '#cloud'
import { createPlacement, type Placement } from '#placement'
import { StatementCounter } from '#store/engine'
import { databaseAt } from '../database/index.ts'

const caller = (roles: readonly string[], projectId: string): Caller => ({
  userId: 'user',
  userName: 'user',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId,
  projectName: projectId,
  projectDomainId: 'default',
  projectDomainName: 'Default',
  roles,
  systemScope: false,
  domainId: null,
  token: roles.join(),
  expiresAtMs: Number.MAX_SAFE_INTEGER,
})

/** Tokens: `admin`, `service`, `reader` (of project `p1`), `nobody`. */
const callers: Readonly<Record<string, Caller>> = {
  admin: caller(['admin', 'manager', 'member', 'reader'], 'admins'),
  service: caller(['service'], 'services'),
  reader: caller(['reader'], 'p1'),
  nobody: caller([], 'p1'),
}

export const identity: IdentityPort = {
  validate: async token => {
    const found = callers[token]
    if (found === undefined) throw TokenInvalid({})
    return found
  },
  project: async () => undefined,
  serviceCaller: async () => callers['service'] as Caller,
  limits: async () => ({}),
  endpoint: async () => undefined,
}

export interface World extends Placement {
  readonly url: string
  readonly counter: StatementCounter
  /** A Placement in another process on the same database. */
  another(): Promise<{ port: PlacementPort }>
  /** This Placement closed and opened again. */
  restart(): Promise<Placement>
  remove(): Promise<void>
}

type Answer = { readonly id: number; readonly value?: unknown; readonly fault?: { code: string; message: string } }

/** The port of a Placement in another process, as far as tests call it; a fault comes back under its code. */
function remotePort(child: ChildProcess): PlacementPort {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  child.on('message', ({ id, value, fault }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (fault === undefined) call?.resolve(value)
    else call?.reject(new Fault({ code: fault.code, kind: 'conflict', status: 409 }, fault.message))
  })
  let calls = 0
  const call = (method: string | symbol, args: readonly unknown[]): Promise<unknown> => {
    const id = ++calls
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    child.send({ id, method: String(method), args })
    return answer.promise
  }
  return new Proxy({} as PlacementPort, {
    get:
      (_, method) =>
      (...args: unknown[]) =>
        call(method, args),
  })
}

async function startProcess(url: string): Promise<{ port: PlacementPort; close: () => Promise<void> }> {
  const child = fork(join(import.meta.dirname, 'second-process.ts'), [url])
  await once(child, 'message')
  return {
    port: remotePort(child),
    close: async () => {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** A Placement of its own in a temporary folder. */
export async function openWorld(clock: Clock = systemClock): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'placement-'))
  const url = await databaseAt(folder, 'placement')
  const counter = new StatementCounter()
  const open = (c?: StatementCounter) =>
    createPlacement({ databaseUrl: url, identity, log: silentLog, clock, ...(c === undefined ? {} : { counter: c }) })
  const first = await open(counter)
  const others: { close: () => Promise<void> }[] = []
  return {
    ...first,
    url,
    counter,
    another: async () => {
      const other = await startProcess(url)
      others.push(other)
      return other
    },
    restart: async () => {
      await first.close()
      const again = await open()
      others.push(again)
      return again
    },
    remove: async () => {
      for (const placement of [...others, first]) await placement.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export const anInventory = (total: number, other: Partial<Inventory> = {}): Inventory => ({
  total,
  reserved: 0,
  minUnit: 1,
  maxUnit: 2_147_483_647,
  stepSize: 1,
  allocationRatio: 1,
  ...other,
})

export const aGroup = (resources: Record<string, number>, other: Partial<RequestGroup> = {}): RequestGroup => ({
  suffix: '',
  resources,
  required: [],
  forbidden: [],
  memberOf: [],
  notMemberOf: [],
  ...other,
})

export const aQuery = (groups: readonly RequestGroup[], other: Partial<CandidateQuery> = {}): CandidateQuery => ({
  groups,
  rootRequired: [],
  rootForbidden: [],
  sameSubtrees: [],
  ...other,
})

export const aClaim = (allocations: Claim['allocations'], other: Partial<Claim> = {}): Claim => ({
  consumerId: newUuid(),
  allocations,
  projectId: 'p1',
  userId: 'u1',
  consumerType: 'INSTANCE',
  ...other,
})
