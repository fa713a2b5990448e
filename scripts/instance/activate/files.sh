# --- its files --------------------------------------------------------------------------------------------------------

verified() { # FILE SHA256
  [[ -f "$1" ]] && sha256sum --check --status <<<"$2  $1"
}

fetch_files() { # those of the release that are not here yet, four at a time
  local path sha256 running=0
  rm -rf "${release}/parts"
  mkdir -p "${release}/parts"
  while IFS=$'\t' read -r path sha256; do
    ! verified "${release}/files/${path}" "${sha256}" || continue
    running=$((running + 1))
    fetch_file "${path}" "${sha256}" "${release}/parts/${running}" >"${release}/parts/${running}.problem" 2>&1 &
    ((running % 4)) || wait
  done < <(paste <(values 'files[.][0-9]+[.]path') <(values 'files[.][0-9]+[.]sha256'))
  wait
  problem=$(cat "${release}/parts/"*.problem 2>/dev/null) || true
  rm -rf "${release}/parts"
  [[ -z "${problem}" ]]
}

fetch_file() { # PATH SHA256 PART: whatever is printed is what went wrong
  local key="${APP}/releases/${release##*/}/$1" file="${release}/files/$1" refusal mode=644
  if ! copied "$@" && ! refusal=$(aws s3api get-object --bucket "${BUCKET}" --key "${key}" "$3" 2>&1 >/dev/null); then
    echo "s3://${BUCKET}/${key} cannot be read: ${refusal}"
  elif ! verified "$3" "$2"; then
    echo "checksum mismatch: s3://${BUCKET}/${key} does not have the sha256 $2"
  else # open to whichever user a container has; the directory above keeps everyone else out
    [[ "$(head -c 2 "$3" | tr -d '\0')" != '#!' ]] || mode=755
    chmod "${mode}" "$3" && (umask 022 && mkdir -p "${file%/*}") && mv -f "$3" "${file}"
  fi
}

copied() { # PATH SHA256 PART: from another release on this instance; most files of a release are as before
  local copy
  for copy in "${home}"/releases/*/files/"$1"; do
    ! verified "${copy}" "$2" || { cp "${copy}" "$3" && return 0; }
  done
  return 1
}
