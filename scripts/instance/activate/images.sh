# --- its images -------------------------------------------------------------------------------------------------------

pull_images() { # by digest; what is here is not asked for again
  local image
  for image in $(values 'images[.].*' | sort -u); do
    docker image inspect "${image}" >/dev/null 2>&1 || pull "${image}" || {
      problem="image ${image} cannot be pulled: $(explained "${problem}" cause_of_pull)"
      return 1
    }
  done
}

pull() { # IMAGE: again where that may help
  local try
  for try in 1 2 3; do
    ! problem=$(docker pull "$1" 2>&1 >/dev/null) || return 0
    [[ "${problem}" != *@(not found|denied|unknown|unauthorized|toomanyrequests|no space left|daemon running)* ]] || break
    ((try == 3)) || sleep "${try}.$((RANDOM % 10))"
  done
  return 1
}
