export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Reads JSON that this program wrote itself (journals, JSON columns); a damaged text is a bug, so it throws. */
export const fromJson = <T>(text: string): T => JSON.parse(text) as T
