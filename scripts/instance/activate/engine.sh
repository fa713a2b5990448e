# --- what docker says, and what to make of it -------------------------------------------------------------------------

explained() { # WORDS CAUSE…: the cause and what to do about it, before docker's own words; CAUSE… knows what they mean
  local cause
  cause=$(cause_on_host "$1")
  [[ -n "${cause}" ]] || cause=$("${@:2}" "$1")
  printf '%s' "${cause:+${cause}: }$1"
}

cause_on_host() { # WORDS
  case "$1" in
    *'o space left on device'*)
      echo "the disk is full: $(room) (remove what fills it, or give instances a larger volume)" ;;
    *'docker daemon running'* | *'daemon is running'*)
      echo 'the docker engine does not run (on the instance: systemctl status docker)' ;;
    *) ;;
  esac
}

cause_of_pull() { # LOGIN WORDS: LOGIN is what to do where a login is missing or wrong
  case "$2" in
    *toomanyrequests*) echo "its registry allows no more for now (wait, or $1)" ;;
    *[Uu]nauthorized* | *denied* | *'no basic auth'* | *'not authorized'* | *authorization*)
      echo "its registry does not let this instance in ($1)" ;;
    *'manifest unknown'* | *'not found'*) echo 'it is not in its registry (build and publish again)' ;;
    *EOF* | *refused* | *'no such host'* | *imeout* | *'deadline exceeded'* | *unreachable* | *'reset by peer'*)
      echo 'its registry does not answer (is it up, and can this instance reach it?)' ;;
    *) ;;
  esac
}

cause_of_start() { # WORDS
  case "$1" in
    *'port is already allocated'* | *'address already in use'*)
      echo 'a port is taken by something else on the instance (ss -ltnp names it: stop it, or publish another port)' ;;
    *'already in use by container'*)
      echo "a container that is not this application's has the name (docker rm it, or change container_name)" ;;
    *) ;;
  esac
}

room() { # left where images and releases are kept
  local engine
  engine=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null) || engine=/var/lib/docker
  df -Pm "${engine}" "${home}" 2>/dev/null | awk 'NR > 1 { printf "%s%d MB free on %s", comma, $4, $6; comma = ", " }' ||
    echo 'nothing free'
}
