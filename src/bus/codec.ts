/** Messages are JSON texts; `undefined` as a whole message travels as null. */
export const encode = (message: unknown): string => JSON.stringify(message ?? null)

export const decode = (text: string): unknown => JSON.parse(text) as unknown
