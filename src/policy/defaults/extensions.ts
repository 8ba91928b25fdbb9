import { anyone, type RuleDefault, rule } from '../rule-default.ts'

/** The list of API extensions, which never changes any more. */
export const extensions: readonly RuleDefault[] = [
  rule('os_compute_api:extensions', anyone, 'List and show extensions', ['GET /extensions', 'GET /extensions/{id}']),
]
