/** What the parts of differential.ts share. */
export type Body = Record<string, unknown> | unknown[] | undefined
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Asks both services, reports a difference, and returns what the original said. */
export type Both = (
  method: string,
  path: string,
  minor?: number,
  body?: Body,
  extrasAllowed?: boolean,
) => Promise<Answer>

export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const traits = ['CUSTOM_A', 'CUSTOM_B', 'CUSTOM_C', 'CUSTOM_D']
export const classes = ['VCPU', 'MEMORY_MB', 'DISK_GB', 'CUSTOM_X']
export const aggregates = [1, 2, 3].map(n => id(900_000 + n))
