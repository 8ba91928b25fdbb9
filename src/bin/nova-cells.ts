#!/usr/bin/env node
/** Speaks with the cells next to this one, and chooses cells for new servers. */
import { openNovaCells, runService } from '#allinone/compose'

process.exit(await runService('nova-cells', process.argv.slice(2), openNovaCells))
