import { homedir } from 'node:os'
import { createLog, Fault, systemClock } from '#base'
import { defaultConfigFiles, loadConfig } from '#config'
import { policyCheck, readPolicyArguments } from '#manage'
import { openDatabase } from './database.ts'
import { openPolicy } from './policy.ts'
import { version } from './service-options.ts'

/** nova-policy, from its command line to its exit code. */
export async function runPolicy(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    const args = readPolicyArguments(argv, env, version())
    const isGiven = args.files !== undefined || args.dirs !== undefined
    const place = isGiven
      ? { files: args.files ?? [], dirs: args.dirs ?? [] }
      : defaultConfigFiles('nova-policy', { home: homedir() })
    const config = loadConfig(place)
    const log = createLog({ service: 'nova-policy', level: 'warn' })
    const { text, exitCode } = await policyCheck(args, openPolicy(config, log, systemClock), async id => {
      const store = await openDatabase(config)
      try {
        return await store.instances.get(id)
      } finally {
        await store.close()
      }
    })
    process.stdout.write(`${text}\n`)
    return exitCode
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    process.stdout.write(`error: ${error.message}\n`)
    return 1
  }
}
