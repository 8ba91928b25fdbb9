/** Each cell with a database and a virtual host of its own. */
import { placesOn, startCellEngines } from '../bin/cell-engines.ts'
import { cellsContract } from '../bin/cells.contract.ts'

cellsContract('MariaDB and RabbitMQ', async folder => placesOn(await startCellEngines())(folder))
