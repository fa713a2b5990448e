# --- its containers ---------------------------------------------------------------------------------------------------

find_compose() { # v2 takes \$ and \\ in an env file for what they mean; v1 fails at both, but takes a variable's default
  if docker compose version >/dev/null 2>&1; then
    compose_cli=(docker compose) dollar='\\$' backslash='\\\\'
  elif docker-compose version >/dev/null 2>&1; then
    compose_cli=(docker-compose) dollar='${DEPLOYER_NONE:-$}' backslash='${DEPLOYER_NONE:-\\}'
  else
    finish failed 'this instance has neither `docker compose` nor `docker-compose` (infra/base-image installs one)'
  fi
  until docker version >/dev/null 2>&1; do # at boot the engine may come after us
    ((SECONDS < ${PATIENCE:-15})) || finish failed "$(explained "$(docker version 2>&1 | tail -n 1)" cause_of_start)"
    sleep 1
  done
}

compose() { # up … | down … | config …: without our environment, which would win over the env file; as the profiles must
  local words files file profiles
  mapfile -t files < <(values 'compose[.][0-9]+')
  words=(-p "${project}" --project-directory "$(dirname "${release}/files/${files[0]}")" --env-file "$(variables_file)")
  for file in "${files[@]}"; do words+=(-f "${release}/files/${file}"); done
  profiles=$(values 'profiles[.][0-9]+' | paste -sd ,)
  problem=$(env -i PATH="${PATH}" HOME="${HOME}" COMPOSE_PROFILES="${profiles}" "${compose_cli[@]}" "${words[@]}" "$@" 2>&1) &&
    return 0
  problem="docker compose $1 failed: $(explained "${problem}" cause_of_start)" && return 1
}

variables_file() { # with what `${…}` stands for: Parameter Store's environment, else a file that the release brings
  if [[ -z "$(values environment.parameters)" ]] && brings_environment; then
    echo "${release}/files/$(values environment.file)"
  else
    echo "${environment}"
  fi
}

accepted() { # by compose, while nothing is touched yet: with the environment where the release's files look for it
  [[ "${state[version]}" != "${VERSION}" ]] || return 0 # what runs has its own there, and was accepted
  mv -f "${environment}.new" "${environment}" && compose config -q && mv -f "${environment}" "${environment}.new"
}

containers() { # FILTERS
  docker ps -aq --filter "label=com.docker.compose.project=${project}" "$@"
}

services() { # the containers of what is to run; one that somebody has run by hand (docker compose run) says nothing of it
  containers --filter label=com.docker.compose.oneoff=False
}

remove_containers() { # where compose cannot, without the values it needs: networks may stay, nothing runs
  local ids
  ids=$(containers) || return 1
  [[ -z "${ids}" ]] || xargs docker rm -f <<<"${ids}" >/dev/null 2>&1
}

remove_idle() { # compose takes a service whose profile is not chosen for no orphan, and lets its old container run on
  local container service running
  grep -rqs profiles "${release}/files" || return 0
  compose config --services || return 1
  running=${problem}
  while read -r container service; do
    grep -qxF -- "${service}" <<<"${running}" || docker rm -f "${container}" >/dev/null 2>&1 || true
  done < <(docker ps -a --filter "label=com.docker.compose.project=${project}" \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}')
}
