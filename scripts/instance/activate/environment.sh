# --- its environment --------------------------------------------------------------------------------------------------

get_environment() { # what this rollout's prefetch has read, so that nobody waits for it out of service; else it is read
  [[ -e "${environment}.new" ]] || take_ready || read_environment
}

read_environment() { # from Parameter Store to tmpfs, beside the one that is there; `parameters` is then its version
  local name new="${environment}.new" wrong
  name=$(values environment.parameters)
  patiently ask_parameter_store || { problem="parameters ${name} cannot be read: $(because)" && return 1; }
  parameters=$(version_read "${name}" <"${new}.raw")
  problem=$({ entries "${name}" <"${new}.raw" >"${new}.entries" && canonical <"${new}.entries" >"${new}"; } 2>&1) ||
    { problem="the environment cannot be written: $(explained "${problem}" true)" && return 1; }
  wrong=$(flaw "${name}" <"${new}.entries")
  (($(tr -cd '\0' <"${new}.raw" | wc -c) == 0)) || wrong='a value has a NUL byte, which no environment can hold'
  [[ "${name}" == */ || -n "${wrong}" ]] || quoted <"${new}.entries"
  rm -f "${new}.raw" "${new}.entries"
  problem=${wrong:+"parameters ${name}: ${wrong}"}
  [[ -z "${wrong}" ]]
}

keep_ready() { # for the activation of the same generation: every instance of a rollout then has what was there as it began
  mv -f "${environment}.new" "${environment}.ready.${GENERATION}.${parameters}"
}

take_ready() {
  local ready=("${environment}.ready.${GENERATION}."*)
  [[ -f "${ready[0]}" ]] || return 1
  parameters=${ready[0]##*.}
  mv -f "${ready[0]}" "${environment}.new"
}

forget_ready() { # of other generations
  local file
  for file in "${private}"/*.env.ready.*; do
    [[ "${file}" == @(*.env|*".env.ready.${GENERATION}."*) ]] || rm -f "${file}"
  done
}

ask_parameter_store() {
  problem=$(get_parameters "${name}" 2>&1 >"${new}.raw")
}

get_parameters() { # NAME | NAME:VERSION | PATH/ | nothing
  case "$1" in
    '') ;;
    */) aws ssm get-parameters-by-path --path "$1" --recursive --with-decryption \
      --query 'Parameters[].[Name,Version,Value]' --output json | LC_ALL=C awk "${flatten}" ;;
    *) aws ssm get-parameter --name "$1" --with-decryption --query 'Parameter.[Version,Value]' --output text ;;
  esac
}

version_read() { # NAME: of one parameter its number, of a path what changes with any name or number below it
  case "$1" in
    '') ;;
    */) cut -f 2- | sed -n 'N; N; s/\n[^\n]*$//; s/\n/\t/p' | fingerprint ;;
    *) sed -n '1s/\t.*//p' ;;
  esac
}

fingerprint() { # of lines NAME<TAB>VERSION in whatever order
  LC_ALL=C sort | sha256sum | cut -c 1-12
}

# What was read, to lines NAME=VALUE, in which \\ \n \r \t stand for backslash, newline, return and tab. Of one parameter
# every line is an entry but empty ones and comments, and a value is every byte after the first `=`.
entries() { # NAME
  case "$1" in
    */) LC_ALL=C sed -E 'N; N; s/^[^\t]*\t(.*\/)?([^\n]*)\n[^\n]*\n[^\t]*\t/\2=/' ;;
    *) LC_ALL=C sed -E '1s/^[0-9]*\t//; 1s/^\xef\xbb\xbf//; s/\r$//; /^[ \t]*(#|$)/d
      s/^[ \t]*export[ \t]+//; s/\\/\\\\/g; s/\t/\\t/g; s/\r/\\r/g' ;;
  esac
}

canonical() { # entries to NAME="VALUE", with the escapes from which compose makes the same bytes again
  LC_ALL=C sed -E 's/[$]/'"${dollar}"'/g; s/\\\\/'"${backslash}"'/g; s/"/\\"/g; s/^([^=]*)=(.*)$/\1="\2"/'
}

flaw() { # NAME: why the first of the entries that is no variable is none; its value is never shown
  LC_ALL=C awk -v path="$1" '
    { name = substr($0, 1, index($0, "=") - 1) }
    name !~ /^[A-Za-z_][A-Za-z0-9_.-]*$/ {
      if (path ~ /\/$/) print name " cannot be the name of a variable"
      else print "entry " NR " is not NAME=VALUE (a value of several lines takes a parameter of its own, below a path)"
      exit
    }
    path ~ /\/$/ && seen[name]++ { print name " is there twice"; exit }
    END { if (!NR && path ~ /\/$/) print "there are none" }'
}

quoted() { # says which values stand in quotes, as only a shell or compose would have taken them off
  LC_ALL=C awk '
    /^[^=]*=("(.*)"|\047(.*)\047)$/ { names = names ", " substr($0, 1, index($0, "=") - 1) }
    END { if (names) print "taken with the quotes around the value: " substr(names, 3, 200) }'
}

keep_proven() { # what this release runs with now, until what is about to replace it is proven as well
  [[ "${state[version]}" == "${VERSION}" && -e "${environment}" && ! -e "${environment}.proven" ]] || return 0
  cmp -s "${environment}.new" "${environment}" || ln "${environment}" "${environment}.proven"
}

restore_environment() { # the one that was proven; it is read anew only where a boot has emptied the tmpfs
  [[ ! -e "${environment}.proven" ]] || mv -f "${environment}.proven" "${environment}"
  [[ ! -e "${environment}" ]] || return 0
  timed fetch read_environment && mv -f "${environment}.new" "${environment}" && remember "parameters=${parameters}"
}

same_environment() { # whether what runs was given what Parameter Store holds; where nobody can say, it is left alone
  timed fetch get_environment || finish unchanged "its environment may be an older one: ${problem}"
  if cmp -s "${environment}.new" "${environment}"; then
    remember "parameters=${parameters}"
  elif [[ -z "${parameters}" || "${parameters}" != "${state[refused]}" ]]; then
    return 1
  else
    problem="$(difference "${parameters}"): with the newer it did not get healthy"
  fi
  rm -f "${environment}.new"
}

up_to_date() { # asked only by a status that names parameters: whether what runs has their newest versions
  local name now
  name=$(values environment.parameters)
  [[ -n "${PARAMETERS:-}" && -n "${name}" && "${name}" != *:* ]] || return 0
  now=$(newest_version "${name}" 2>"${private}/refusal") ||
    { problem=$(<"${private}/refusal") && problem="parameters ${name} cannot be read: $(because)" && return 1; }
  problem="$(difference "${now}"): roll the same version out to bring it along"
  [[ "${now}" != "${state[parameters]}" ]] || problem=''
}

newest_version() { # NAME | PATH/: without any value
  case "$1" in
    */) aws ssm get-parameters-by-path --path "$1" --recursive --query 'Parameters[].[Name,Version]' --output text |
      fingerprint ;;
    *) aws ssm get-parameter --name "$1" --query Parameter.Version --output text ;;
  esac
}

difference() { # VERSION: that of now, beside the one that runs
  local name
  name=$(values environment.parameters)
  case "${name}" in
    */) echo "the parameters below ${name} are other ones than those this runs with" ;;
    *) echo "${name} has version $1, this runs ${state[parameters]:-another one}" ;;
  esac
}

link_environment() { # from where compose expects it: among the files or one level above; the release's own file stays
  local file place
  file=$(values environment.file) place="${release}/files/${file}"
  brings_environment || { (umask 022 && mkdir -p "${place%/*}") && ln -sfn "${environment}" "${place}"; }
}

brings_environment() { # whether the release itself has the file that is to hold its environment
  grep -qxF -- "$(values environment.file)" <<<"$(paths)" # no pipe: grep ends early, for pipefail "not there"
}
