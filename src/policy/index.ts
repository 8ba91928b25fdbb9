/**
 * Who may do what: the oslo.policy rule language, Nova's rules with their defaults (one file per resource under
 * defaults/), and the enforcer that joins them with the operator's policy files.
 *
 * Promises oslo.policy's verdicts (test/policy compares with the real one), and for every refusal the rule and the
 * reason. Called by the API kit for each request.
 */
export { novaDefaults } from './defaults/index.ts'
export { Enforcer, type EnforcerOptions, PolicyNotRegistered, type RuleInForce, type Verdict } from './enforcer.ts'
export type { Credentials, Target } from './evaluate.ts'
export { PolicyFileInvalid } from './policy-files.ts'
export type { RuleDefault, Scope } from './rule-default.ts'
