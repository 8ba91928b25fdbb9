import { flushCompileCache } from 'node:module'

/**
 * Writes to disk what Node has compiled since its start, where NODE_COMPILE_CACHE is set. Left to Node it is written at the end of
 * the process, which after the first start of a new installation takes longer than a service may take to stop.
 */
export function keepCompiledCode(): void {
  flushCompileCache()
}
