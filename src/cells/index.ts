/**
 * nova-cells: a tree of clouds, each with its own bus, database and hosts, of which only the nova-cells of neighbours talk to
 * each other. `tree/` knows the neighbours, `messages/` carries calls along the tree, `state/` and `capacity/` tell what
 * there is room for, `scheduler/` chooses the cell of a new server, `requests/` carries out requests of the Compute API in
 * another cell, once each, `list/` merges what several cells have. The API reaches all that through `port.ts`, over the bus.
 */
export { readCapabilities } from './capacity/capabilities.ts'
export * from './faults.ts'
export { CellListRefused } from './list/page.ts'
export { checkVersionPin } from './messages/message.ts'
export { type CellHandler, type CellMethod, CellMethods, cellMethod, type MethodContext } from './messages/methods.ts'
export type { CellRouter } from './messages/router.ts'
export { checkedName } from './names.ts'
export { farCellsOver } from './port.ts'
export type { ApiSeams } from './requests/local-api.ts'
export { enabled } from './scheduler/enabled.ts'
export { cellFilters } from './scheduler/filters.ts'
export { cellWeighers } from './scheduler/weighers.ts'
export { type CellsOptions, type CellsParts, type CellsService, startCells } from './service.ts'
export { fileNeighbours } from './tree/config-file.ts'
export type { NeighbourSource } from './tree/neighbour.ts'
export type { OpenedBus } from './tree/tree.ts'
