# --- what is kept -----------------------------------------------------------------------------------------------------

prune() { # releases but the current and the previous, and images that no release on this instance names any more
  local directory image kept='' doomed=()
  for directory in "${home%/*}"/*/releases/*; do
    if [[ "${directory}" == "${home}"/* && "${directory##*/}" != @("${state[version]}"|"${state[previous_version]}") ]]; then
      doomed+=("${directory}")
    else
      kept+=$(images_of "${directory}")$'\n' || return 0
    fi
  done
  [[ "${kept}" == *[![:space:]]* ]] || return 0
  for directory in ${doomed[@]+"${doomed[@]}"}; do
    for image in $(images_of "${directory}"); do
      grep -qxF -- "${image}" <<<"${kept}" || docker image rm "${image}" >/dev/null 2>&1 || true
    done
    rm -rf "${directory}" "${private}/${directory##*/}.env" "${private}/${directory##*/}.env.proven"
  done
}

images_of() { # DIRECTORY of a release
  [[ ! -f "$1/release.json" ]] || LC_ALL=C awk "${flatten}" "$1/release.json" | sed -n 's/^images[.][^\t]*\t//p'
}
