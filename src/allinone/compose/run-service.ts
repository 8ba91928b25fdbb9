import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Clock, Closers, createLog, Fault, keepCompiledCode, type Log, systemClock } from '#base'
import { type Config, loadConfig, logConfigRemarks } from '#config'
import { readServiceOptions } from './service-options.ts'

/** What a service is opened with; whatever it opens, it adds to the closers. */
export interface ServiceProcess {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly closers: Closers
}

export type OpenService = (process: ServiceProcess) => Promise<void>

/** Closing that takes longer is cut off: journals are safe at any point, and guests need none of us. */
const closeWithinMs = 800

function logFileOf({ DEFAULT: { log_file: file, log_dir: dir } }: Config, prog: string): string | undefined {
  if (file !== null) return join(dir ?? '', file)
  return dir === null ? undefined : join(dir, `${prog}.log`)
}

const levelOf = (config: Config): string => (config.DEFAULT.debug ? 'debug' : 'info')

/**
 * One service in this process, from its command line to its end; returns the exit code. SIGTERM and SIGINT stop it within a
 * second, also while it still starts; SIGHUP reads the log level anew.
 */
export async function runService(prog: string, argv: readonly string[], open: OpenService): Promise<number> {
  const options = readServiceOptions(prog, argv, homedir())
  const stopped = Promise.withResolvers<'stopped'>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve('stopped'))
  const closers = new Closers()
  try {
    const config = loadConfig(options)
    const file = logFileOf(config, prog)
    const log = createLog({ service: prog, level: levelOf(config), ...(file === undefined ? {} : { file }) })
    logConfigRemarks(config, log)
    process.on('SIGHUP', () => reload(log, () => loadConfig(options)))
    const opening = open({ config, clock: systemClock, log, closers })
    opening.catch(() => undefined) // looked at below, unless a signal came first
    if ((await Promise.race([opening, stopped.promise])) !== 'stopped') {
      log.info({ pid: process.pid }, 'service started')
      keepCompiledCode()
      await stopped.promise
    }
    log.info('service stops')
    const cutOff = setTimeout(() => process.exit(0), closeWithinMs)
    await closers.close().catch(error => log.error({ err: error }, 'not everything could be closed'))
    clearTimeout(cutOff)
    return 0
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stderr.write(`${prog}: ${error.message}\n`)
    return 1
  }
}

function reload(log: Log, load: () => Config): void {
  try {
    log.level = levelOf(load())
    log.info({ level: log.level }, 'configuration read anew')
  } catch (error) {
    log.error({ err: error }, 'the configuration is wrong and stays as it was')
  }
}
