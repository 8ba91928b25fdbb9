# Reads Nova's JSON documents in `dir`, shows them on the console without their secrets, writes dir/keys, and prints shell
# assignments. A real parser: a server's own metadata may hold a key called "hostname".
function white() { sub(/^[ \t]+/, "", s) }
function text(   t, i) { # s begins with a quote
  s = substr(s, 2); t = ""
  while ((i = index(s, "\"")) > 0) {
    t = t substr(s, 1, i - 1); s = substr(s, i + 1)
    if (t !~ /(^|[^\\])(\\\\)*\\$/) break
    t = t "\""
  }
  if (i == 0) s = ""
  if (index(t, "\\")) {
    gsub(/\\\\/, "\001", t); gsub(/\\n/, "\n", t); gsub(/\\r/, "", t); gsub(/\\t/, "\t", t)
    gsub(/\\"/, "\"", t); gsub(/\\\//, "/", t); gsub(/\001/, "\\", t)
  }
  return t
}
function value(path,   c, i, k) {
  white(); c = substr(s, 1, 1)
  if (c == "\"") { j[path] = text(); return }
  if (c == "{") {
    s = substr(s, 2); white()
    if (substr(s, 1, 1) == "}") { s = substr(s, 2); return }
    do {
      white(); k = text(); white(); s = substr(s, 2)
      if (path == ".public_keys") names[++keys] = k
      value(path "." k); white(); c = substr(s, 1, 1); s = substr(s, 2)
    } while (c == ",")
    return
  }
  if (c == "[") {
    s = substr(s, 2); white()
    if (substr(s, 1, 1) == "]") { s = substr(s, 2); return }
    i = 0
    do { value(path "." i); i++; white(); c = substr(s, 1, 1); s = substr(s, 2) } while (c == ",")
    return
  }
  match(s, /^[^], }]*/); j[path] = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
}
function load(file,   line) {
  s = ""
  while ((getline line < (dir "/" file)) > 0) { gsub(/[\r\n]/, "", line); s = s line }
  if (s == "") return 0
  line = s
  sub(/"admin_pass": *"[^"]*"/, "\"admin_pass\": \"***\"", line); sub(/"random_seed": *"[^"]*"/, "\"random_seed\": \"...\"", line)
  if (file ~ /vendor/) line = substr(line, 1, 400)
  print "guest: " file " " line > console
  return 1
}
function show(name, v) { gsub(/'/, "'\\''", v); print name "='" v "'" }
function prefix(mask,   p, n, o, i, b) {
  n = split(mask, o, "."); p = 0
  for (i = 1; i <= n; i++) for (b = o[i] + 0; b > 0; b = (b * 2) % 256) p++
  return p
}
BEGIN {
  keys = 0; count = 0
  if (load("meta_data.json")) value("")
  show("uuid", j[".uuid"]); show("hostname", j[".hostname"]); show("admin_pass", j[".admin_pass"])
  show("name", j[".name"]); show("availability_zone", j[".availability_zone"]); show("launch_index", j[".launch_index"])
  printf "" > (dir "/keys")
  for (i = 1; i <= keys; i++) {
    n = split(j[".public_keys." names[i]], lines, "\n")
    for (l = 1; l <= n; l++) if (lines[l] != "") { print lines[l] > (dir "/keys"); count++ }
  }
  show("keys", count)
  for (i = 0; (".devices." i ".type") in j; i++)
    if (j[".devices." i ".type"] == "share" && j[".devices." i ".tag"] ~ /^[A-Za-z0-9-]+$/)
      print "mount_share " j[".devices." i ".tag"]
  load("vendor_data.json"); load("vendor_data2.json")
  if (load("network_data.json") && drive) {
    split("", j); value("")
    for (i = 0; (".links." i ".id") in j; i++) mac[j[".links." i ".id"]] = j[".links." i ".ethernet_mac_address"]
    for (i = 0; (".networks." i ".type") in j; i++) {
      n = ".networks." i
      if (j[n ".type"] == "ipv4") address = j[n ".ip_address"] "/" prefix(j[n ".netmask"])
      else if (j[n ".type"] == "ipv6") address = j[n ".ip_address"] (j[n ".ip_address"] ~ /\// ? "" : "/64")
      else continue
      print "static_address " mac[j[n ".link"]] " " address
      if (j[n ".type"] == "ipv4") for (r = 0; (n ".routes." r ".network") in j; r++)
        print "static_route " j[n ".routes." r ".network"] "/" prefix(j[n ".routes." r ".netmask"]) " " j[n ".routes." r ".gateway"]
      for (r = 0; (n ".services." r ".address") in j; r++) print "static_dns " j[n ".services." r ".address"]
    }
  }
}
