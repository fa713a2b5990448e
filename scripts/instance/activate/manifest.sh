# --- its manifest -----------------------------------------------------------------------------------------------------

# JSON with one value a line, as our manifests and the AWS CLI write it, to lines `path.of.a.value<TAB>value`; in a value
# \\ \n \r \t stand for backslash, newline, return and tab.
readonly flatten='
  function unescaped(text,   code, part, parts, at) {
    gsub(/\\\\/, "\377", text); gsub(/\\"/, "\"", text); gsub(/\\b/, "\b", text); gsub(/\\f/, "\f", text)
    while (match(text, /\\u00[017][0-9a-f]/)) {
      code = 16 * substr(text, RSTART + 4, 1) + index("123456789abcdef", substr(text, RSTART + 5, 1))
      text = substr(text, 1, RSTART - 1) sprintf("%c", code) substr(text, RSTART + 6)
    }
    parts = split(text, part, "\377") # awks differ in what backslashes mean to gsub
    for (at = 2; at <= parts; at++) part[1] = part[1] "\\\\" part[at]
    return part[1]
  }
  {
    sub(/^ +/, ""); sub(/,$/, "")
    if ($0 == "}" || $0 == "]") { depth--; next }
    key = count[depth]++
    if (match($0, /^"([^"\\]|\\.)*": /)) { key = substr($0, 2, RLENGTH - 4); $0 = substr($0, RLENGTH + 1) }
    if (depth > 1) key = name[depth] "." key
    if ($0 == "{" || $0 == "[") { name[++depth] = key; count[depth] = 0; next }
    if ($0 ~ /^"/) $0 = unescaped(substr($0, 2, length($0) - 2))
    if ($0 != "{}" && $0 != "[]") print key "\t" $0
  }'

open_release() { # VERSION: what follows is about this release, whose manifest is on the disk
  release="${home}/releases/$1" environment="${private}/$1.env"
  problem="the manifest of $1 cannot be read"
  manifest=$(LC_ALL=C awk "${flatten}" "${release}/release.json") && problem=''
}

values() { # REGEX: the manifest's values at these paths
  LC_ALL=C awk -F '\t' -v path="^($1)$" '$1 ~ path { print $2 }' <<<"${manifest}"
}
