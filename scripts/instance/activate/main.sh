# --- the story --------------------------------------------------------------------------------------------------------

timed() { # NAME COMMAND…: adds to `seconds` how long it takes
  local from result=0
  from=$(date +%s%N)
  "${@:2}" || result=$?
  seconds[$1]=$(awk -v s="${seconds[$1]}" -v ns="$(($(date +%s%N) - from))" 'BEGIN { printf "%.1f", s + ns / 1e9 }')
  return "${result}"
}

get_ready() { # all that can be done while the release before still serves
  timed fetch fetch_files && link_environment && timed pull pull_images
}

prefetch() { # whatever may be missing is found out now; a release that runs keeps the environment it was started with
  prune
  rm -f "${environment}".ready.*
  { get_ready && timed fetch read_environment && timed fetch accepted; } || finish failed "${problem}"
  [[ -z "${state[refused]}" ]] || remember refused= # whoever prepares an activation wants it tried
  problem=''
  if [[ "${state[version]}" == "${VERSION}" ]] && ! cmp -s "${environment}.new" "${environment}"; then
    problem=$(difference "${parameters}") # it will be swapped, so it has to leave the load balancer first
  fi
  keep_ready
  finish unchanged "${problem}"
}

start() { # until its containers are proven
  timed up remove_idle && timed up compose up -d --no-build --remove-orphans &&
    timed health healthy_within "$(values health.timeout)"
}

already_right() {
  [[ "${state[version]}" == "${VERSION}" && "${state[manifest_sha256]}" == "${MANIFEST_SHA256}" ]] &&
    [[ -z "${state[attempt]}" && -e "${environment}" ]] && timed health healthy_within 3
}

activate() {
  local previous=()
  remember "generation=${GENERATION}"
  ! { already_right && same_environment; } || finish unchanged "${problem}"
  echo "from ${state[version]:-nothing} to ${VERSION}"
  prune
  { get_ready && timed fetch get_environment && keep_proven; } || finish failed "${problem}"
  remember "attempt=${VERSION}" "attempt_manifest_sha256=${MANIFEST_SHA256}"
  mv -f "${environment}.new" "${environment}"
  start || put_back "${VERSION} is not healthy: ${problem}"
  rm -f "${environment}.proven" # before the state is clean, in which it would be taken for what runs
  [[ "${state[version]}" == "${VERSION}" ]] ||
    previous=("previous_version=${state[version]}" "previous_manifest_sha256=${state[manifest_sha256]}")
  remember ${previous[@]+"${previous[@]}"} "version=${VERSION}" "manifest_sha256=${MANIFEST_SHA256}" \
    "parameters=${parameters}" refused= attempt= attempt_manifest_sha256=
  prune
  finish activated
}

put_back() { # REASON: always ends
  local because
  because="$(redact <<<"$1")"$'\n'"$(last_log_lines)" # now: newer values are gone once the proven ones are back
  if [[ "${state[version]}" == "${VERSION}" && ! -e "${environment}.proven" ]]; then
    remember attempt= attempt_manifest_sha256=
    finish failed "${because}"
  elif [[ "${state[version]}" == "${VERSION}" ]]; then
    because="$(difference "${parameters}"), and with the newer ${because}"
    remember "refused=${parameters}"
  elif [[ -z "${state[version]}" ]]; then
    take_down
    finish failed "taken down, there is no release before it: ${because}"
  fi
  echo "from ${VERSION} back to ${state[version]}"
  if open_release "${state[version]}" && get_ready && restore_environment && start; then
    remember attempt= attempt_manifest_sha256=
    finish restored "${because}"
  fi
  finish failed "${state[version]} could not be put back (${problem}) after ${because}"
}

take_down() {
  { timed fetch fetch_files && link_environment && touch "${environment}" && compose down --remove-orphans; } ||
    remove_containers || finish failed "${problem}"
  [[ -s "${environment}" ]] || rm -f "${environment}" # it would be taken for the one that was proven
  remember version= manifest_sha256= previous_version= previous_manifest_sha256= attempt= attempt_manifest_sha256=
}

status() { # needs no lock: it only looks
  open_release "${VERSION}" && containers_healthy && probe && up_to_date || true
  [[ -z "${state[attempt]}" ]] || problem="the activation of ${state[attempt]} has not ended"
  finish unchanged "${problem}"
}

main() {
  trap 'finish failed "activate ended unexpectedly: ${problem}"' EXIT
  recall
  find_compose
  [[ "$1" != status ]] || status
  take_lock
  recall
  rm -f "${private}"/*.env.new "${private}"/*.env.new.{raw,entries} # what a killed order had just read
  refuse_older
  forget_ready
  open_release "${VERSION}" || finish failed "${problem}"
  case "$1" in
    prefetch) prefetch ;;
    activate) activate ;;
    down) take_down && remember "generation=${GENERATION}" && finish activated ;;
    *) finish failed "no such subcommand: $1" ;;
  esac
}

main "${1:-}"
