/** Debian packages whose programs the plumbing runs; `npm start` installs what is missing. */
export const networkPackages: readonly string[] = ['iproute2', 'nftables', 'dnsmasq-base', 'dnsmasq-utils', 'conntrack']
