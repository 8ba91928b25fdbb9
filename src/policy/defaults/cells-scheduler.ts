import { oldAdmin, type RuleDefault, rule } from '../rule-default.ts'

/** Who may say in which cell a server is made. Not asked for an operation of its own, so it names none. */
export const cellsScheduler: readonly RuleDefault[] = [
  rule('cells_scheduler_filter:DifferentCellFilter', oldAdmin, 'Use the hint different_cell', []),
  rule('cells_scheduler_filter:TargetCellFilter', oldAdmin, 'Use the hint target_cell', []),
]
