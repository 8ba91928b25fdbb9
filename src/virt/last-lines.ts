/** As Nova cuts it: an end of line at the end of the text begins another, empty line, which counts. */
export const lastLines = (text: string, count: number): string =>
  count <= 0 ? '' : text.split('\n').slice(-count).join('\n')
