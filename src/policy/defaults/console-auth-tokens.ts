import { admin, type RuleDefault, rule } from '../rule-default.ts'

/** Tokens of console connections. */
export const consoleAuthTokens: readonly RuleDefault[] = [
  rule('os_compute_api:os-console-auth-tokens', admin, 'Show where the console of a token is', [
    'GET /os-console-auth-tokens/{id}',
  ]),
]
