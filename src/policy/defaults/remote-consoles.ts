import { member, type RuleDefault, rule } from '../rule-default.ts'

/** Graphical and serial consoles. */
export const remoteConsoles: readonly RuleDefault[] = [
  rule('os_compute_api:os-remote-consoles', member, 'Open a console of a server', [
    'POST /servers/{id}/action (os-getSPICEConsole)',
    'POST /servers/{id}/action (os-getSerialConsole)',
    'POST /servers/{id}/action (os-getVNCConsole)',
    'POST /servers/{server_id}/remote-consoles',
  ]),
]
