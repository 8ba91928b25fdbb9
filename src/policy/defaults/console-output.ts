import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Text output of servers. */
export const consoleOutput: readonly RuleDefault[] = [
  rule('os_compute_api:os-console-output', member, 'Show the console output of a server', [
    'POST /servers/{id}/action (os-getConsoleOutput)',
  ]),
]
