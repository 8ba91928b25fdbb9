# Sourced by the launchers beside it.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
program=$root/src/bin/$(basename "$0").ts
: "${NODE_COMPILE_CACHE=$root/node_modules/.cache/compile}"
export NODE_COMPILE_CACHE
# A service's live heap is some 45 MB; these keep Node from hoarding three times that: 208 MB resident instead of 270 to 310
# with 1,000 servers, for about a tenth more CPU per boot under load.
flags='--max-semi-space-size=8 --heap-growing-percent=40'
if [ -x "$root/node_modules/.bin/node" ]; then exec "$root/node_modules/.bin/node" $flags "$program" "$@"; fi
if node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 24 || (a == 24 && b >= 15) ? 0 : 1)' 2>/dev/null; then
  exec node $flags "$program" "$@"
fi
echo "$(basename "$0"): needs Node 24.15 or newer. Run 'npm ci' in $root (it brings one), or install Node." >&2
exit 1
