import type { CommandGroup } from '../kit/command.ts'
import { createCell, listCells, updateCell } from './cells.ts'
import { deleteCell } from './delete-cell.ts'
import { deleteHost, discover, listHosts } from './hosts.ts'
import { mapCell0 } from './map-cell0.ts'
import { mapCellAndHosts } from './map-hosts.ts'
import { mapInstances, verifyInstance } from './servers.ts'
import { simpleCellSetup } from './simple-cell-setup.ts'

/** `nova-manage cell_v2 …`: which cells there are, and what is in them; see docs/decisions/0037-cells.md. */
export const cellV2: CommandGroup = {
  name: 'cell_v2',
  help: 'cells, and the hosts and servers in them',
  commands: [
    createCell,
    deleteCell,
    deleteHost,
    discover,
    listCells,
    listHosts,
    mapCell0,
    mapCellAndHosts,
    mapInstances,
    simpleCellSetup,
    updateCell,
    verifyInstance,
  ],
}
