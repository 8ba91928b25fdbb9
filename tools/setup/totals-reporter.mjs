/** A node:test reporter that writes one JSON line with the totals of the run. */
export default async function* totals(source) {
  for await (const event of source) {
    // Without a file it is the summary of the whole run.
    if (event.type === 'test:summary' && event.data.file === undefined) yield `${JSON.stringify(event.data.counts)}\n`
  }
}
