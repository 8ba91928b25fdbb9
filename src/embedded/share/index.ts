/**
 * The built-in share service: a small Manila v2 with its own tables and one folder per share.
 *
 * It owns shares, their access rules, types, quotas and resource locks, and the folders with their contents. It promises
 * that an available share has its folder, that a rule locked by a service is undone by that service only, and that work cut
 * off by kill -9 is finished at the next start. The other services of the process call `port`; clients speak to `face`.
 */
export { createShareService, type ShareOptions, type ShareService } from './service.ts'
