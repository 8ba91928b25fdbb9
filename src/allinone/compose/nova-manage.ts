import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Clock, Closers, createLog, declareFault, Fault, type Log, systemClock } from '#base'
import { type Config, defaultConfigFiles, loadConfig } from '#config'
import {
  type ManageArguments,
  type ManageWorld,
  novaManage,
  novaStatus,
  type OperatorProgram,
  readManageArguments,
  runChoice,
} from '#manage'
import { CellDirectory, fillTemplate } from '#store'
import { apiDatabaseUrl, databaseUrl, openCellDatabase, openDatabase, schemasOf } from './database.ts'
import { version } from './service-options.ts'

export interface Opened {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly closers: Closers
  readonly stateDir: string | undefined
}

export const NoCloudThere = declareFault(
  'StateFolderNotFound',
  'missing',
  (p: { folder: string }) => `${p.folder} is not the state folder of a cloud: it has no nova.sqlite.`,
)

function configOf(args: ManageArguments): Config {
  const { stateDir } = args
  if (stateDir !== undefined && !existsSync(join(stateDir, 'nova.sqlite'))) throw NoCloudThere({ folder: stateDir })
  const isGiven = args.files !== undefined || args.dirs !== undefined || stateDir !== undefined
  const place = isGiven
    ? { files: args.files ?? [], dirs: args.dirs ?? [] }
    : defaultConfigFiles('nova-manage', { home: homedir() })
  const overrides = stateDir === undefined ? {} : { database: { connection: databaseUrl(resolve(stateDir), 'nova') } }
  return loadConfig({ ...place, overrides })
}

/** The same to everyone who asks for it. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () => {
    opened ??= open()
    return opened
  }
}

function worldOf(o: Opened): ManageWorld {
  const { config, log, clock, closers } = o
  const store = once(async () => {
    const opened = await openDatabase(config, log)
    closers.add(() => opened.close())
    return opened
  })
  const cells = once(async () => {
    const directory = new CellDirectory({
      own: await store(),
      databaseUrl: config.database.connection ?? '',
      transportUrl: config.DEFAULT.transport_url,
      open: url => openCellDatabase(config, url, log),
      clock,
      log,
    })
    closers.add(() => directory.close())
    return directory
  })
  const { openApiStore, ...schemas } = schemasOf(config, log)
  const apiStore = once(async () => {
    const opened = await openApiStore()
    closers.add(() => opened.close())
    return opened
  })
  return {
    clock,
    databaseUrl: config.database.connection,
    apiDatabaseUrl: apiDatabaseUrl(config),
    transportUrl: config.DEFAULT.transport_url,
    store,
    apiStore,
    cells,
    addressOf: url => fillTemplate(url, config.database.connection).url,
    ...schemas,
    // Loaded when they are asked for: few commands need a neighbour, and one a scheduler.
    placement: once(async () => (await import('./manage-neighbours.ts')).placementOf(o)),
    newestMicroversion: async service => {
      const { versionsFromConfig } = await import('./neighbours-from-config.ts')
      return versionsFromConfig(config, clock, closers)[service]()
    },
    async upgradeFacts() {
      const [{ jsonPolicyFile }, { oldestComputeVersion }] = [await import('./policy.ts'), await import('#conductor')]
      return {
        hasVolumeCredentials: config.cinder.auth_type !== null,
        sendsServiceToken: config.service_user.send_service_user_token,
        jsonPolicyFile: jsonPolicyFile(config),
        oldestCompute: oldestComputeVersion,
      }
    },
    rehearse: async (spec, count) => (await import('./manage-rehearsal.ts')).rehearsal(o, await store(), spec, count),
  }
}

/** Ctrl-C lets a command that works in rounds, and so asks, end with its round; a second one ends the process. */
function interruption(closers: Closers) {
  const interrupted = new AbortController()
  const onSignal = () => interrupted.abort()
  let isWatched = false
  const watched = () => {
    if (!isWatched) process.once('SIGINT', onSignal)
    isWatched = true
    return interrupted.signal
  }
  closers.add(() => process.off('SIGINT', onSignal))
  return {
    isInterrupted: () => watched().aborted,
    rest: (ms: number) => setTimeout(ms, undefined, { signal: watched() }).catch(() => undefined),
  }
}

/** Where a command's words go: the process, or whoever runs it. */
export interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

function explain(error: unknown, isDebug: boolean): string {
  if (error instanceof Fault) return error.message
  return isDebug ? String((error as Error).stack) : `An error has occurred: ${(error as Error).message}`
}

/** nova-manage or nova-status, from its command line to its exit code. */
export async function runOperator(
  program: OperatorProgram,
  argv: readonly string[],
  { stdout, stderr }: Streams = process,
): Promise<number> {
  const write = (text: string) => void stdout.write(text)
  const closers = new Closers()
  const args = readManageArguments(program, argv, version())
  const { what, isDebug, logFile, stateDir } = args
  if (typeof what === 'string') {
    write(`${what}\n`)
    return 0
  }
  let faultExitCode = 1
  try {
    const level = isDebug ? 'debug' : 'warn'
    const log = createLog({ service: program.name, level, ...(logFile === undefined ? {} : { file: logFile }) })
    const world = worldOf({ config: configOf(args), log, clock: systemClock, closers, stateDir })
    faultExitCode = what.group.faultExitCode ?? 255
    return await runChoice(what, { world, write, ...interruption(closers) })
  } catch (error) {
    stderr.write(`${program.name}: ${explain(error, isDebug)}\n`)
    return faultExitCode
  } finally {
    await closers.close()
  }
}

export const runManage = (argv: readonly string[], streams?: Streams): Promise<number> =>
  runOperator(novaManage, argv, streams)
export const runStatus = (argv: readonly string[], streams?: Streams): Promise<number> =>
  runOperator(novaStatus, argv, streams)
