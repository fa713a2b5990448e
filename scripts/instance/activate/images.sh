# --- its images -------------------------------------------------------------------------------------------------------

pull_images() { # by digest; what is here is not asked for again
  local image missing=() result=0
  for image in $(values 'images[.].*' | sort -u); do
    docker image inspect "${image}" >/dev/null 2>&1 || missing+=("${image}")
  done
  ((${#missing[@]})) || return 0
  mkdir -p "${logins}"
  { log_in "${missing[@]}" && pull_each "${missing[@]}"; } || result=1
  rm -rf "${logins}"
  return "${result}"
}

pull_each() { # IMAGE…
  local image
  for image in "$@"; do
    pull "${image}" && continue
    problem="image ${image} cannot be pulled: $(explained "${problem}" cause_of_pull "$(login_advice "${image}")")"
    return 1
  done
}

readonly lasting='not found|denied|unknown|nauthorized|toomanyrequests|no space left|docker daemon|docker API'

pull() { # IMAGE: again where that may help
  local try
  for try in 1 2 3; do
    ! problem=$(docker_pull "$1" 2>&1 >/dev/null) || return 0
    [[ "${problem}" != *@(${lasting})* ]] || break
    ((try == 3)) || sleep "${try}.$((RANDOM % 10))"
  done
  return 1
}
