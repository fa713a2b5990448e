# --- how it logs in to registries -------------------------------------------------------------------------------------
#
# A login lives as long as the pulls it is for: in a file on tmpfs that root alone reads, in no command, in no log.
# Where a release says nothing of a registry, ECR knows the instance's role, and any other takes whom the host's own
# docker configuration names.

readonly logins="${private}/docker"
declare -A auth=() helper=() # by registry, as docker's configuration names them
registry_secrets='' ecr_refusal=''

registry_of() { # IMAGE: its host, as docker reads names
  local first=${1%%/*}
  [[ "$1" == */* && ("${first}" == *[.:]* || "${first}" == localhost) ]] || first=docker.io
  [[ "${first}" != index.docker.io ]] || first=docker.io
  echo "${first}"
}

server_of() { # IMAGE: the name docker's configuration keeps a login under
  local host
  host=$(registry_of "$1")
  [[ "${host}" != docker.io ]] || host=https://index.docker.io/v1/
  echo "${host}"
}

parameter_for() { # HOST: the parameter that holds USERNAME:PASSWORD, if the release names one
  LC_ALL=C awk -F '\t' -v key="registries.$1" '$1 == key { print $2 }' <<<"${manifest}"
}

log_in() { # IMAGE…: to where these come from
  local image parameter
  declare -A wanted=() # parameter: its registries
  for image in "$@"; do
    parameter=$(parameter_for "$(registry_of "${image}")")
    if [[ -n "${parameter}" ]]; then
      wanted[${parameter}]+=" $(server_of "${image}")"
    else
      log_in_to_ecr "$(registry_of "${image}")"
    fi
  done
  ((!${#wanted[@]})) || read_logins || return 1
  write_docker_config
}

read_logins() { # all in one call; the values pass through tmpfs and builtins only
  local name value server
  patiently ask_for_logins || { problem="registry-credentials cannot be read: $(because)" && return 1; }
  while IFS=$'\t' read -r name value; do
    value=${value%$'\r'}
    [[ "${value}" == ?*:?* ]] || continue
    for server in ${wanted[${name}]:-}; do remember_login "${server}" "${value}"; done
    unset "wanted[${name}]"
  done <"${logins}/parameters"
  problem="registry-credentials: there is no USERNAME:PASSWORD in ${!wanted[*]} (aws ssm put-parameter makes one)"
  ((!${#wanted[@]}))
}

ask_for_logins() {
  problem=$(aws ssm get-parameters --names "${!wanted[@]}" --with-decryption --query 'Parameters[].[Name,Value]' \
    --output text 2>&1 >"${logins}/parameters")
}

log_in_to_ecr() { # HOST, if it is one of ECR's; without a token the host's own docker configuration stands
  local token
  [[ -z "${auth[$1]:-}${ecr_refusal}" ]] || return 0
  [[ "$1" =~ ^[0-9]{12}[.]dkr[.]ecr(-fips)?[.]([a-z0-9-]+)[.]amazonaws[.]com([.]cn)?$ ]] || return 0
  if command -v docker-credential-ecr-login >/dev/null; then
    helper[$1]=ecr-login
  elif token=$(aws ecr get-login-password --region "${BASH_REMATCH[2]}" 2>"${logins}/refusal"); then
    remember_login "$1" "AWS:${token}"
  else
    ecr_refusal=$(<"${logins}/refusal")
  fi
}

remember_login() { # SERVER USERNAME:PASSWORD
  local encoded
  encoded=$(printf '%s' "$2" | base64 | tr -d '\n')
  registry_secrets+="${2#*:}"$'\n'"${encoded}"$'\n'
  auth[$1]=${encoded}
}

write_docker_config() {
  local server auths=() helpers=() IFS=,
  for server in "${!auth[@]}"; do auths+=("\"${server}\":{\"auth\":\"${auth[${server}]}\"}"); done
  for server in "${!helper[@]}"; do helpers+=("\"${server}\":\"${helper[${server}]}\""); done
  printf '{"auths":{%s},"credHelpers":{%s}}\n' "${auths[*]-}" "${helpers[*]-}" >"${logins}/config.json"
}

docker_pull() { # IMAGE
  local server
  server=$(server_of "$1")
  if [[ -n "${auth[${server}]:-}${helper[${server}]:-}" ]]; then
    local -x DOCKER_CONFIG="${logins}" AWS_ECR_CACHE_DIR="${logins}" # the helper keeps its token in a file
  fi
  docker pull "$1"
}

login_advice() { # IMAGE: what to look at where its registry does not let this instance in
  local parameter
  parameter=$(parameter_for "$(registry_of "$1")")
  if [[ -n "${parameter}" ]]; then
    echo "correct the USERNAME:PASSWORD in ${parameter}"
  elif [[ "$1" == *.dkr.ecr* ]]; then
    echo "the instance role must be allowed to pull, EcrRepository of infra/identity.yml${ecr_refusal:+: ${ecr_refusal}}"
  else
    echo 'name a login in registry-credentials'
  fi
}
