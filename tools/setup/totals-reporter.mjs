/** A node:test reporter that writes one line of JSON: the totals of the run, and how long each file took. */

const isFile = name => /\.test\.(ts|mjs)$/.test(name)

export default async function* totals(source) {
  const files = {}
  const extra = { passed: 0, failed: 0 }
  for await (const { type, data } of source) {
    // Files in a batch are tests of that name, which are none to count: each stands for those in it.
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0 && isFile(data.name)) {
      files[data.name] = data.details.duration_ms
      if (type === 'test:pass') extra.passed++
      else if (data.details.error?.failureType === 'subtestsFailed') extra.failed++
    }
    if (type !== 'test:summary') continue
    const { file, counts } = data
    if (file !== undefined) {
      if (isFile(file)) files[file] = data.duration_ms
      continue
    }
    // Without a file it is the summary of the whole run.
    const tests = counts.tests - extra.passed - extra.failed
    const [passed, failed] = [counts.passed - extra.passed, counts.failed - extra.failed]
    yield `${JSON.stringify({ counts: { ...counts, tests, passed, failed }, files })}\n`
  }
}
