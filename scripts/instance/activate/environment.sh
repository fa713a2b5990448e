# --- its environment --------------------------------------------------------------------------------------------------

write_environment() { # anew
  read_environment && mv -f "${environment}.new" "${environment}"
}

read_environment() { # from Parameter Store to tmpfs, beside the one that is there
  local parameters new="${environment}.new" wrong
  parameters=$(values environment.parameters)
  problem=$(read_parameters "${parameters}" 2>&1 >"${new}.raw") ||
    { problem="parameters ${parameters} cannot be read: ${problem}" && return 1; }
  canonical "${parameters}" <"${new}.raw" >"${new}"
  rm -f "${new}.raw"
  wrong=$(grep -vnE '^[A-Za-z_][A-Za-z0-9_.-]*="' "${new}" | cut -d : -f 1 | head -n 1)
  problem="parameters ${parameters}: entry ${wrong} is not NAME=VALUE"
  [[ -z "${wrong}" ]] || return 1
  problem="parameters ${parameters}: there are none"
  [[ "${parameters}" != */ || -s "${new}" ]]
}

read_parameters() { # NAME | NAME:VERSION | PATH/ | nothing
  case "$1" in
    '') ;;
    */) aws ssm get-parameters-by-path --path "$1" --recursive --with-decryption \
      --query 'Parameters[].[Name,Value]' --output json ;;
    *) aws ssm get-parameter --name "$1" --with-decryption --query Parameter.Value --output text ;;
  esac
}

# Raw NAME=VALUE lines (a value is every byte after the first `=`), or a path's parameters, to NAME="VALUE" with the
# escapes from which compose makes the same bytes again.
canonical() { # PARAMETERS
  if [[ "$1" == */ ]]; then
    LC_ALL=C awk "${flatten}" | LC_ALL=C sed -E 'N; s/^[^\t]*\t(.*\/)?([^\n]*)\n[^\t]*\t/\2=/'
  else
    LC_ALL=C sed -E 's/\r$//; /^[ \t]*(#|$)/d; s/\\/\\\\/g; s/\t/\\t/g; s/\r/\\r/g'
  fi | LC_ALL=C sed -E 's/[$]/'"${dollar}"'/g; s/\\\\/'"${backslash}"'/g; s/"/\\"/g; s/^([^=]*)=(.*)$/\1="\2"/'
}

link_environment() { # from where compose expects it: among the files or one level above; the release's own file stays
  local file place
  file=$(values environment.file) place="${release}/files/${file}"
  values 'files[.][0-9]+[.]path' | grep -qxF -- "${file}" ||
    { (umask 022 && mkdir -p "${place%/*}") && ln -sfn "${environment}" "${place}"; }
}
