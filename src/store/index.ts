/** Nova's own databases; filled in beside its first reader. */
export {}
