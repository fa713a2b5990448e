# --- how it ends ------------------------------------------------------------------------------------------------------

finish() { # OUTCOME [REASON]: prints the marker and exits
  local reason version='' generation=0 sha256='' parameters=''
  trap - EXIT
  if [[ -z "${state[attempt]:-}" && -n "${state[version]:-}" ]]; then
    version=${state[version]} generation=${state[generation]} sha256=${state[manifest_sha256]}
    parameters=${state[parameters]:-}
  fi
  reason=$(redact <<<"${2:-}" | sed ':all; N; $!b all; s/\n/ | /g' | tr '"\134' '\047/' | tr -s '[:cntrl:]' ' ')
  # its beginning names the cause, its end holds the last log lines: what is too long loses its middle, redacted by now
  ((${#reason} <= 1000)) || reason="${reason:0:330} … ${reason: -660}"
  printf 'deployer: {"outcome":"%s","version":"%s","generation":%s,"manifest_sha256":"%s","reason":"%s",' \
    "$1" "${version}" "${generation}" "${sha256}" "${reason% }"
  printf '"parameters":"%s","seconds":{"fetch":%s,"pull":%s,"up":%s,"health":%s}}\n' "${parameters}" \
    "${seconds[fetch]}" "${seconds[pull]}" "${seconds[up]}" "${seconds[health]}"
  [[ "$1" == @(activated|unchanged) ]] || exit 1
  exit 0
}

redact() { # no secret leaves: values of the environments, of four characters or more, line by line, longest first
  LC_ALL=C awk '
    function hide(text, secret,   at, done) {
      while ((at = index(text, secret)) > 0) {
        done = done substr(text, 1, at - 1) "***"
        text = substr(text, at + length(secret))
      }
      return done text
    }
    secrets && $0 == "\001" { known = 1; next }
    secrets { secret[++n] = $0; next }
    !known { exit } # who names the secrets was killed: nothing is told
    { for (i = 1; i <= n; i++) $0 = hide($0, secret[i]); print }' secrets=1 <(secrets) secrets=0 -
}

secrets() {
  { environment_secrets && printf '%s' "${registry_secrets}"; } |
    LC_ALL=C awk 'length($0) >= 4 { print length($0) "\t" $0 }' | sort -rn | cut -f 2- && printf '\001\n'
}

environment_secrets() { # the reverse of `canonical`; \xff holds the place of a backslash meanwhile
  { cat "${private}"/*.env "${private}"/*.env.proven 2>/dev/null || true; } |
    LC_ALL=C sed -E 's/^[^=]*="(.*)"$/\1/; s/\$\{DEPLOYER_NONE:-(.)\}/\\\1/g; s/\\\\/\xff/g; s/\\[nr]/\n/g
      s/\\t/\t/g; s/\\(["$])/\1/g; s/\xff/\\/g'
}
