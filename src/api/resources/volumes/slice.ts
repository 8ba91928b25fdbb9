import { integerParameter, nonNegative, type Page, query, type RawQuery } from '#api/kit'

export const pageQuery = query({ limit: nonNegative.optional(), offset: nonNegative.optional() })

/** The service behind has no pages of ours: its whole answer is cut here. */
export function slice<T>(items: readonly T[], rawQuery: RawQuery, page: Page): readonly T[] {
  const offset = integerParameter(rawQuery, 'offset') ?? 0
  return items.slice(offset, offset + page.limit)
}
