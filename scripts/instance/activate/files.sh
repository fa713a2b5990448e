# --- its files --------------------------------------------------------------------------------------------------------

fetch_files() { # the loader has put them into `parts`, unless they are here already; an older one has not
  local parts="${release}/parts" files="${release}/files"
  problem=$(mkdir -p "${parts}" "${files}" 2>&1) || { problem=$(because) && return 1; }
  if [[ -n "$(unverified "${files}")" ]]; then
    [[ -z "$(unverified "${parts}")" ]] || patiently fetch_folder || true # what is missing is told by what has come
    take_files || return 1
  fi
  rm -rf "${parts}" # with whatever the manifest does not name
}

fetch_folder() { # in one call
  rm -rf "${parts}" && mkdir "${parts}"
  problem=$(aws s3 cp --recursive --only-show-errors "$(address)/" "${parts}" 2>&1 >/dev/null)
}

address() {
  printf 's3://%s/%s/releases/%s' "${BUCKET}" "${APP}" "${release##*/}"
}

unverified() { # DIRECTORY: the release's paths that are not there as the manifest has them
  cd "$1" && paste -d ' ' <(values 'files[.][0-9]+[.]sha256') <(paths | sed 's/^/ /') |
    sha256sum --check --quiet 2>/dev/null | sed -E 's/: FAILED( open or read)?$//'
}

take_files() { # all or none, by one command, however many there are
  local wrong
  wrong=$(unverified "${parts}" | head -n 1)
  if [[ -n "${wrong}" && -e "${parts}/${wrong}" ]]; then
    problem="checksum mismatch: $(address)/${wrong} does not have the sha256 that the manifest names"
  elif [[ -n "${wrong}" ]]; then
    problem="$(address)/${wrong} cannot be read: $(because)"
  else
    open_files
    problem=$(link_files 2>&1) && return 0
  fi
  return 1
}

link_files() {
  umask 022 && cd "${parts}" && paths | xargs -d '\n' cp --link --force --parents -t "${files}" --
}

open_files() { # to whichever user a container has; the directory above keeps everyone else out
  local path start
  chmod -R a+rX "${parts}"
  while IFS= read -r path; do
    start=''
    IFS= read -r -n 2 start <"${parts}/${path}" || true
    [[ "${start}" != '#!' ]] || chmod 755 "${parts}/${path}"
  done < <(paths)
  while IFS= read -r path; do chmod 755 "${parts}/${path}"; done < <(programs)
}

paths() { values 'files[.][0-9]+[.]path'; }

programs() { # the release's paths that may be executed; S3 has no modes, so the manifest says it
  LC_ALL=C awk -F '\t' '$1 ~ /^files[.][0-9]+[.]path$/ { path = $2 }
    $1 ~ /^files[.][0-9]+[.]mode$/ && $2 == "755" { print path }' <<<"${manifest}"
}
