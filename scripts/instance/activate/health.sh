# --- whether they are well --------------------------------------------------------------------------------------------

containers_healthy() { # or `problem` names the first that is not; who ended well is fine, but somebody has to run
  local ids format='{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{if .State.Health}}{{.State.Health.Status}}{{end}}'
  mapfile -t ids < <(services)
  problem='no container runs'
  ((${#ids[@]})) || return 1
  problem=$(docker inspect --format "${format}" "${ids[@]}" 2>&1 | awk '
    { sub(/^\//, "", $1) }
    $2 == "running" && ($5 == "" || $5 == "healthy") { running++; next }
    $2 == "exited" && $3 == 0 { next }
    { wrong = "container " $1 ($2 ~ /exited|dead/ ? " exited with " $3 : " is " ($2 == "running" ? $5 : $2)) }
    $4 == "true" { wrong = wrong ": its memory ran out (give it more, or instances of a larger type)" }
    $3 == 137 && $4 == "false" { wrong = wrong ": killed (did the memory of the instance run out? dmesg tells)" }
    { exit }
    END { print (wrong == "" && !running ? "no container runs, each exited with 0" : wrong) }')
  [[ -z "${problem}" ]]
}

probe() { # the release's health check over HTTP, if it has one
  local url status expected
  url=$(values health.url) expected=$(values health.status)
  [[ -n "${url}" ]] || return 0
  status=$(curl -s -o /dev/null -m 5 --noproxy '*' -w '%{http_code}' "${url}") || true
  problem="${url} answered ${status} instead of ${expected}"
  [[ "${status}" != 000 ]] || problem="${url} does not answer"
  [[ "${status}" == "${expected}" ]] && problem=''
}

healthy_within() { # SECONDS: containers and HTTP, several times in a row; one that has exited is given little time
  local deadline=$((SECONDS + $1)) streak=0 exited=0 wanted
  wanted=$(values health.successes)
  while :; do
    if containers_healthy && probe; then streak=$((streak + 1)); else streak=0; fi
    ((streak < wanted)) || return 0
    [[ "${problem}" != *' exited with '* ]] || exited=$((exited + 1))
    ((exited < 3 && SECONDS < deadline)) || return 1
    sleep 0.5
  done
}

last_log_lines() { # a secret is no longer found once its beginning is cut off, so they are redacted before they are cut
  local id ids
  mapfile -t ids < <(services)
  for id in ${ids[@]+"${ids[@]}"}; do docker logs --tail 8 "${id}" 2>&1 | redact | tail -c $((600 / ${#ids[@]})); done
}
