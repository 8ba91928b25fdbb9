import { bool, choice, float, int, list, str } from '../option.ts'

/** Cells of the first kind: a tree of clouds whose nova-cells talk to each other. */
export const cellsSection = {
  enable: bool(false, 'This cloud is one of a tree of cells, and nova-cells runs.'),
  name: str('nova', 'What this cell is called by its neighbours; without !, . and blanks at its ends.'),
  cell_type: choice(['api', 'compute'], 'compute', 'api: the cell whose API users see.'),
  capabilities: list(
    ['hypervisor=xenserver;kvm', 'os=linux;windows'],
    'What this cell tells its parent: key=value;value.',
  ),
  call_timeout: int(60, 'Seconds in which another cell has to answer.', { min: 0 }),
  reserve_percent: float(10.0, 'Part of each host that does not count as free.', { min: 0, max: 100 }),
  mute_child_interval: int(300, 'Seconds without word of a child after which it is mute.', { min: 0 }),
  bandwidth_update_interval: int(600, 'Without effect: nothing is reported upwards.'),
  instance_update_sync_database_limit: int(100, 'Without effect: servers are read where they are.'),
  instance_updated_at_threshold: int(3600, 'Without effect, likewise.'),
  instance_update_num_instances: int(1, 'Without effect, likewise.'),
  mute_weight_multiplier: float(-10_000.0, 'Weight of a mute child; negative.'),
  ram_weight_multiplier: float(10.0, 'Weight of room for servers of the flavor; negative to stack.'),
  offset_weight_multiplier: float(1.0, "Weight of a cell's weight_offset."),
  max_hop_count: int(10, 'Cells that a message may pass.', { min: 1 }),
  scheduler: str('nova.cells.scheduler.CellsScheduler', 'Without effect: there is one.'),
  rpc_driver_queue_base: str('cells.intercell', 'Topic of the messages between cells; the same in all of them.'),
  scheduler_filter_classes: list(['nova.cells.filters.all_filters'], 'Cell filters in use.'),
  scheduler_weight_classes: list(['nova.cells.weights.all_weighers'], 'Cell weighers in use.'),
  scheduler_retries: int(10, 'How often a cell is looked for again when none fits.', { min: 0 }),
  scheduler_retry_delay: int(2, 'Seconds between.', { min: 0 }),
  db_check_interval: int(60, 'Seconds between looks at which cells are neighbours.', { min: 1 }),
  cells_config: str(null, 'JSON file with the neighbours, instead of the table cells.'),
} as const
