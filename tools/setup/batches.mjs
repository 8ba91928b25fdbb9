/**
 * Test files that share a process. Most of what a small test costs is loading and warming up the modules that it tests:
 * twenty files in one process take half of the processor time that they take in twenty. A file becomes one test, whose
 * subtests and hooks are those of the file, and is loaded when it is its turn. `node --test FILE` runs it alone, as ever.
 */
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'

/** An uncaught error ends the whole process, so not all eggs in one basket. */
const most = 25

/**
 * @param {readonly string[]} files
 * @param {{ root: string, folder: string, workers: number, timeoutMs: number }} options `folder`: where the entries are
 *   written; `workers`: how many run at a time; `timeoutMs`: of each file
 * @returns {string[]} the entries
 */
export function writeBatches(files, { root, folder, workers, timeoutMs }) {
  const count = Math.min(files.length, Math.max(workers, Math.ceil(files.length / most)))
  return Array.from({ length: count }, (_, number) => {
    const tests = files
      .filter((_file, i) => i % count === number)
      .map(file => {
        const [name, url] = [relative(root, file), pathToFileURL(file).href].map(text => JSON.stringify(text))
        return `test(${name}, { timeout: ${timeoutMs} }, () => import(${url}))\n`
      })
    const entry = join(folder, `batch-${number + 1}.mjs`)
    writeFileSync(entry, `import { test } from 'node:test'\n${tests.join('')}`)
    return entry
  })
}
