import type { CommandGroup } from '../kit/command.ts'
import { createCell, deleteCell, listCells } from './neighbours.ts'

/** `nova-manage cell …`: the neighbours of this cell, of which nova-cells knows; see docs/decisions/0036-nova-cells.md. */
export const cell: CommandGroup = {
  name: 'cell',
  help: 'neighbours of this cell in a tree of cells (nova-cells)',
  commands: [createCell, deleteCell, listCells],
}
