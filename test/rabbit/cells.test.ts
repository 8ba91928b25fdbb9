/** Each cell with a database and a virtual host of its own. */

import { createDatabase } from '#store/engine'
import { cellsContract } from '../bin/cells.contract.ts'
import type { OpenPlaces } from '../bin/cells.ts'
import { startEngines } from '../bin/engines.ts'

const open: OpenPlaces = async () => {
  const virtualHosts = ['cell1', 'cell2']
  const { database, broker, close } = await startEngines({ virtualHosts })
  return {
    async databaseUrl(name) {
      const url = database.url(`nova_${name}`)
      await createDatabase(url)
      return url
    },
    busUrl: name => broker.url('nova', 'secret', virtualHosts.includes(name) ? name : ''),
    close,
  }
}

cellsContract('MariaDB and RabbitMQ', open)
