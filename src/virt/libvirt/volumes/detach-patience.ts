export interface DetachPatience {
  /** `device_detach_attempts`: a guest that is still booting ignores the request. */
  readonly attempts: number
  /** `device_detach_timeout`: how long each may take. */
  readonly timeoutMs: number
}

export const usualDetachPatience: DetachPatience = { attempts: 8, timeoutMs: 20_000 }
