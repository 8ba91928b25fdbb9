import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Clock, Closers, createLog, declareFault, Fault, type Log, systemClock } from '#base'
import { type Config, defaultConfigFiles, loadConfig } from '#config'
import { imagined, type ManageArguments, type ManageWorld, readManageArguments } from '#manage'
import { openPlacementPort } from '#placement'
import { createScheduler, recordOf, type SchedulerDeps, type SchedulingDecision, storeHosts } from '#scheduler'
import type { Store } from '#store'
import { schedulerOptionsOf, segmentsOf } from './control.ts'
import { databaseUrl, openDatabase } from './database.ts'
import { neighboursFromConfig } from './neighbours-from-config.ts'
import { version } from './service-options.ts'
import { secondsOf } from './shared.ts'

interface Opened {
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

/** What the scheduler asks. The network of one machine has no segments, so nobody need ask it for them. */
async function askedOf(o: Opened): Promise<Pick<SchedulerDeps, 'placement' | 'network'>> {
  if (o.stateDir === undefined) {
    const neighbours = neighboursFromConfig(o)
    o.closers.add(() => neighbours.close())
    return { placement: neighbours.placement, ...segmentsOf(o.config, neighbours) }
  }
  const opened = await openPlacementPort({
    databaseUrl: databaseUrl(resolve(o.stateDir), 'placement'),
    log: o.log,
    clock: o.clock,
  })
  o.closers.add(() => opened.close())
  return { placement: opened.port }
}

/** The scheduler of this configuration, here, with claims left out. */
async function rehearsal(o: Opened, store: Store, ...[spec, count]: Parameters<ManageWorld['rehearse']>) {
  const { config, log, clock } = o
  let decision: SchedulingDecision | undefined
  const scheduler = createScheduler({
    ...(await askedOf(o)),
    hosts: storeHosts(store, clock, { serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time) }),
    options: schedulerOptionsOf(config),
    log,
    clock,
    random: Math.random,
    onDecision: made => {
      decision = made
    },
  })
  await scheduler.selectDestinations(spec, imagined(count), { isRehearsal: true })
  if (decision === undefined) throw new Error('the scheduler told nothing of its decision')
  return recordOf(decision)
}

function worldOf(o: Opened): ManageWorld {
  let store: Promise<Store> | undefined
  const open = () => {
    store ??= openDatabase(o.config, o.log).then(opened => {
      o.closers.add(() => opened.close())
      return opened
    })
    return store
  }
  return { store: open, rehearse: async (spec, count) => rehearsal(o, await open(), spec, count) }
}

/** nova-manage, from its command line to its exit code. */
export async function runManage(argv: readonly string[]): Promise<number> {
  const closers = new Closers()
  try {
    const args = readManageArguments(argv, version())
    const log = createLog({ service: 'nova-manage', level: 'warn' })
    const world = worldOf({ config: configOf(args), log, clock: systemClock, closers, stateDir: args.stateDir })
    const { text, exitCode } = await args.run(world)
    process.stdout.write(`${text}\n`)
    return exitCode
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`nova-manage: ${error.message}\n`)
    return 1
  } finally {
    await closers.close()
  }
}
