# --- what this instance remembers (loaders of other releases read the state too: keep its form) -----------------------

recall() {
  local key value
  state=([version]='' [manifest_sha256]='' [generation]=0 [previous_version]='' [previous_manifest_sha256]=''
    [attempt]='' [attempt_manifest_sha256]='' [parameters]='' [refused]='')
  [[ -f "${home}/state" ]] || return 0
  while IFS='=' read -r key value; do state[${key}]=${value}; done <"${home}/state"
}

remember() { # KEY=VALUE…: changes the state, atomically
  local change refusal
  for change in "$@"; do state[${change%%=*}]=${change#*=}; done
  refusal=$(write_state 2>&1) && return 0
  recall # what is on the disk is what holds
  finish failed "the state of this instance cannot be written: $(explained "${refusal}" true)"
}

write_state() {
  local key lines=''
  for key in "${!state[@]}"; do lines+="${key}=${state[${key}]}"$'\n'; done
  printf '%s' "${lines}" >"${home}/state.new" && sync "${home}/state.new" &&
    mv -f "${home}/state.new" "${home}/state" && sync "${home}"
}

# The loader holds it already, unless it is an old one. Whatever is started inherits it: a client of the engine that
# outlives a killed order is waited for.
take_lock() {
  local directory="${root}/run/lock"
  mkdir -p "${private}"
  [[ -d "${directory}" && -w "${directory}" ]] || directory="${root}/run/deployer"
  [[ /dev/fd/9 -ef "${directory}/deployer-${APP}.lock" ]] || exec 9>"${directory}/deployer-${APP}.lock"
  flock -w "${patience}" 9 || finish failed "another command has held this instance's lock for ${patience} s"
  rm -rf "${private}/docker" # what a command that was killed while it pulled has left
}

refuse_older() {
  ((GENERATION >= state[generation])) ||
    finish fenced "generation ${GENERATION} is older than ${state[generation]}, which this instance follows"
}
