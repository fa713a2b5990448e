# --- its images -------------------------------------------------------------------------------------------------------

pull_images() { # by digest; what is here is not asked for again
  local image try
  for image in $(values 'images[.].*'); do
    for try in 1 2 3; do
      ! docker image inspect "${image}" >/dev/null 2>&1 || continue 2
      ! problem=$(docker pull "${image}" 2>&1 >/dev/null) || continue 2
      [[ "${problem}" != *@(not found|denied|unknown)* ]] || break
      sleep "${try}.$((RANDOM % 10))"
    done
    problem="image ${image} cannot be pulled: ${problem}" && return 1
  done
}
