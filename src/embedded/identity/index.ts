/**
 * The built-in identity service: a small Keystone v3 with its own tables.
 *
 * It owns users, groups, projects, domains, roles and their assignments, the catalogue, application credentials, tokens
 * and unified limits. It promises that what a token says is never stale, that tokens outlive a restart, and that guessing
 * passwords cannot stall the process. The other services of the process call `port`; clients speak to `face`.
 */
export type { Bootstrapped } from './bootstrap.ts'
export type { CatalogService } from './catalog.ts'
export { createIdentityService, type IdentityOptions, type IdentityService } from './service.ts'
