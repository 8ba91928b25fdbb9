import { Fault } from '#base'
import { checkTransportUrl } from '#bus'
import { type CellMapping, fillTemplate, type Store } from '#store'
import { readDatabaseUrl } from '#store/engine'
import type { CommandContext } from '../kit/command.ts'

/** With the password left out, whatever else is odd about the address. */
export const masked = (url: string): string => url.replace(/^([^:]+:\/\/[^:@/]*):.*@/, '$1:****@')

interface Wanted {
  readonly transportUrl: string
  readonly databaseUrl: string
}

/** undefined: why not was said. */
function checked(url: string, kind: string, { out }: CommandContext, check: () => void): string | undefined {
  try {
    check()
    return url
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    out.say(`Invalid ${kind}: ${error.message}`)
    return undefined
  }
}

/** `--transport-url`, or that of nova.conf, which is said; undefined when it is none, which is said too. */
export function transportUrlFrom(given: string | undefined, context: CommandContext): string | undefined {
  const own = context.world.transportUrl
  if (given === undefined) {
    context.out.say(
      '--transport-url not provided in the command line, using [DEFAULT]/transport_url of the configuration',
    )
    return own
  }
  const { url } = fillTemplate(given, own)
  if (url.startsWith('none:')) return given
  return checked(given, 'transport URL', context, () => checkTransportUrl(url))
}

/** `--database_connection`, or that of nova.conf, likewise. */
export function databaseUrlFrom(given: string | undefined, context: CommandContext): string | undefined {
  const own = context.world.databaseUrl
  if (given === undefined) {
    context.out.say(
      own === null
        ? 'Must specify --database_connection if [database]/connection is not set in the configuration file.'
        : '--database_connection not provided in the command line, using [database]/connection of the configuration',
    )
    return own ?? undefined
  }
  return checked(given, 'database connection', context, () => readDatabaseUrl(fillTemplate(given, own).url))
}

/** Two cells share neither a database nor a bus. Says so and returns true where another has one of these. */
export async function isTaken(
  store: Store,
  { transportUrl, databaseUrl }: Wanted,
  { out }: CommandContext,
  self?: CellMapping,
): Promise<boolean> {
  const twin = (await store.cellMappings.list()).find(
    cell => cell.uuid !== self?.uuid && (cell.transportUrl === transportUrl || cell.databaseConnection === databaseUrl),
  )
  if (twin === undefined) return false
  out.say(
    'The specified transport_url and/or database_connection combination already exists for another cell with uuid ' +
      `${twin.uuid}.`,
  )
  return true
}

/** The database beside this one whose name ends in `_cell0`. */
export function cell0Address(databaseUrl: string): string {
  const query = databaseUrl.indexOf('?')
  return query < 0 ? `${databaseUrl}_cell0` : `${databaseUrl.slice(0, query)}_cell0${databaseUrl.slice(query)}`
}
