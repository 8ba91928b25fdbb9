/**
 * Configuration turned into running services: the one-machine cloud composes all of them over the in-process bus, the single
 * executables in `bin` one each. No logic of any service lives here.
 */
export { neighboursFromConfig } from './neighbours-from-config.ts'
export { runManage } from './nova-manage.ts'
export { runPolicy } from './nova-policy.ts'
export { type OpenService, runService, type ServiceProcess } from './run-service.ts'
export { openApi, openCompute, openComputeApi, openConductor, openMetadata, openScheduler } from './services.ts'
