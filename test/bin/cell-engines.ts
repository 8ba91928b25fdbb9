/** Each cell with a database and a virtual host of its own, on one MariaDB and one RabbitMQ. */
import { createDatabase } from '#store/engine'
import type { OpenPlaces } from './cells.ts'
import { type Engines, startEngines } from './engines.ts'

const virtualHosts = ['cell1', 'cell2']

export const startCellEngines = (): Promise<Engines> => startEngines({ virtualHosts })

/** On engines that are there; they end with the cloud. */
export const placesOn =
  ({ database, broker, close }: Engines): OpenPlaces =>
  async () => ({
    async databaseUrl(name) {
      const url = database.url(`nova_${name}`)
      await createDatabase(url)
      return url
    },
    busUrl: name => broker.url('nova', 'secret', virtualHosts.includes(name) ? name : ''),
    close,
  })
