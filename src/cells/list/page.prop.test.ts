import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Creator } from '#model'
import { mergePages } from './merge.ts'
import { comparePlaces, effectiveSort, sortValues } from './order.ts'
import { type Get, pageOf } from './page.ts'

/** A cell's API over a list that is in its order already. */
const apiOver =
  (servers: readonly { id: string }[], maxLimit: number): Get =>
  async ({ query = '' }) => {
    const asked = new URLSearchParams(query)
    const marker = asked.get('marker')
    const from = marker === null ? 0 : servers.findIndex(({ id }) => id === marker) + 1
    const limit = Math.min(maxLimit, Number(asked.get('limit')))
    return { status: 200, headers: {}, body: { servers: servers.slice(from, from + limit) } }
  }

const request = { path: '/servers/detail', caller: {} as Creator, requestId: 'req-1' }

test('whatever the pages, a client that follows markers sees every server of all cells once, in order', async () => {
  const seconds = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(seconds, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      async (cells, limit, maxLimit) => {
        const sort = effectiveSort([])
        const all = cells.map((created, n) => ({
          cell: `api!c${n}`,
          servers: created
            .toSorted((a, b) => b - a)
            .map((second, i) => ({ id: `${n}-${i}`, created: `2026-01-01T00:00:0${second}Z` })),
        }))
        const seen: { id: string; cell: string; created: string }[] = []
        for (;;) {
          const last = seen.at(-1)
          const after =
            last === undefined ? {} : { after: { id: last.id, cell: last.cell, values: sortValues(last, sort) } }
          const ask = Math.min(limit, maxLimit)
          const pages = await Promise.all(
            all.map(async ({ cell, servers }) => ({
              cell,
              servers: await pageOf(
                apiOver(servers, maxLimit),
                cell,
                { request, sort, limit: ask, ...after },
                maxLimit,
              ),
            })),
          )
          const page = mergePages(pages, sort, ask)
          if (page.length === 0) break
          for (const { cell, server } of page) seen.push({ cell, ...(server as { id: string; created: string }) })
        }
        assert.deepEqual(
          seen.map(({ id }) => id).toSorted(),
          all.flatMap(({ servers }) => servers.map(({ id }) => id)).toSorted(),
        )
        const places = seen.map(one => ({ cell: one.cell, values: sortValues(one, sort) }))
        for (const [n, place] of places.entries()) {
          const next = places[n + 1]
          assert.ok(next === undefined || comparePlaces(place, next, sort) <= 0)
        }
      },
    ),
    { numRuns: 300 },
  )
})
