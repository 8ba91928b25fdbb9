/**
 * Configuration turned into running services: the one-machine cloud composes all of them over the in-process bus, the single
 * executables in `bin` one each. No logic of any service lives here.
 *
 * What a service or a command consists of is loaded when its command line and its configuration are known to be right: a
 * word of help, or of what is wrong, needs no cloud.
 */
import type { OpenService } from './run-service.ts'

export { type OpenService, runService, type ServiceProcess } from './run-service.ts'

export const openConductor: OpenService = async service =>
  (await import('./services/conductor.ts')).openConductor(service)
export const openScheduler: OpenService = async service =>
  (await import('./services/scheduler.ts')).openScheduler(service)
export const openCompute: OpenService = async service => (await import('./services/compute.ts')).openCompute(service)
export const openNovaCells: OpenService = async service =>
  (await import('./services/nova-cells.ts')).openNovaCells(service)
export const openComputeApi: OpenService = async service => (await import('./services/apis.ts')).openComputeApi(service)
export const openMetadata: OpenService = async service => (await import('./services/apis.ts')).openMetadata(service)
/** Every API that enabled_apis names, in one process. */
export const openApi: OpenService = async service => (await import('./services/apis.ts')).openApi(service)

export const runGuard = async (argv: readonly string[]): Promise<number> => (await import('./guard.ts')).runGuard(argv)
export const runManage = async (argv: readonly string[]): Promise<number> =>
  (await import('./nova-manage.ts')).runManage(argv)
export const runStatus = async (argv: readonly string[]): Promise<number> =>
  (await import('./nova-manage.ts')).runStatus(argv)
export const runPolicy = async (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> => (await import('./nova-policy.ts')).runPolicy(argv, env)
