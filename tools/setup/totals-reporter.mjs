/**
 * A node:test reporter that writes one line of JSON: the totals of the run, how long each file took, and what failed: the
 * names of the test and of those around it, and the first line of what it said.
 */

const isFile = name => /\.test\.(ts|mjs)$/.test(name)

const firstLine = error => `${error?.cause?.message ?? error?.message ?? error}`.trim().split('\n')[0]

export default async function* totals(source) {
  const files = {}
  const extra = { passed: 0, failed: 0 }
  // Files that run side by side are told of one after the other.
  const names = []
  const failures = []
  for await (const { type, data } of source) {
    if (type === 'test:start') names.splice(data.nesting, Infinity, data.name)
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') {
      failures.push({
        name: [...names.slice(0, data.nesting), data.name].join(' > '),
        why: firstLine(data.details.error),
      })
    }
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
    yield `${JSON.stringify({ counts: { ...counts, tests, passed, failed }, files, failures })}\n`
  }
}
