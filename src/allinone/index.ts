/**
 * The one-machine cloud: every service in one process over the in-process bus, with the built-in identity, image, network
 * and placement services. `compose/` turns configuration into running services (the single executables use it too),
 * `first-run/` furnishes a new cloud. No logic of any service lives here.
 */
export { readOptions } from './options.ts'
export { run } from './run.ts'
