# --- what is kept -----------------------------------------------------------------------------------------------------
#
# Of this application the release that runs, the one before it, and the one at hand; of others on this host everything.
# What a release that was only prefetched, or failed, has left is gone with the next order.

prune() { # images that no release on this instance names any more, and those releases
  local directory images='' doomed=()
  knows_what_runs || return 0
  for directory in "${home%/*}"/*/releases/*; do
    if [[ "${directory}" == "${home}"/* ]] && ! is_kept "${directory##*/}"; then
      doomed+=("${directory}")
    else
      images+=$(images_of "${directory}")$'\n' || return 0
    fi
  done
  for directory in ${doomed[@]+"${doomed[@]}"}; do
    ! remove_images "${directory}" "${images}" || rm -rf "${directory}" || true # what cannot go is no reason to fail
  done
  prune_environments
}

knows_what_runs() { # or nothing is pruned: a state that was lost says nothing of the containers that are here
  local version
  for version in "${state[version]}" "${state[previous_version]}"; do
    [[ -z "${version}" || -s "${home}/releases/${version}/release.json" ]] || return 1
  done
  [[ -n "${state[version]}" || -z "$(containers)" ]]
}

is_kept() { # VERSION
  [[ "$1" == @("${VERSION}"|"${state[version]}"|"${state[previous_version]}"|"${state[attempt]}") ]]
}

images_of() { # DIRECTORY of a release
  [[ ! -f "$1/release.json" ]] || LC_ALL=C awk "${flatten}" "$1/release.json" | sed -n 's/^images[.][^\t]*\t//p'
}

remove_images() { # DIRECTORY KEPT: docker refuses what a container still has, and then the release is tried again later
  local image
  for image in $(images_of "$1"); do
    grep -qxF -- "${image}" <<<"$2" || ! docker image inspect "${image}" >/dev/null 2>&1 ||
      docker image rm "${image}" >/dev/null 2>&1 || return 1
  done
}

prune_environments() {
  local file version
  for file in "${private}"/*.env*; do
    version=${file##*/}
    is_kept "${version%.env*}" || rm -f "${file}" || true
  done
}
