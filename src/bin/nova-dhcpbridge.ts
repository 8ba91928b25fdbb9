#!/usr/bin/env node
/** Called by dnsmasq with the news of its leases. */
import { dhcpBridge } from '#network'

process.exitCode = dhcpBridge(process.argv.slice(2), process.env)
