/**
 * The words that go with a status: `Not Found`.
 *
 * Not imported: an `import` of node:http asks for every name in it, which loads the fetch of Node.js too, a tenth of a
 * second at start for nothing.
 */
const words = process.getBuiltinModule('node:http').STATUS_CODES

export const reasonOf = (status: number): string | undefined => words[status]
