import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where kernels and images are kept between clouds and test runs: a kernel takes minutes to compile. */
export const guestCache = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nova-guest')
