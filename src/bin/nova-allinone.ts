#!/usr/bin/env node
import { readOptions, run } from '#allinone'

process.exit(await run(readOptions(process.argv.slice(2))))
