# --- what AWS says, and what to make of it (the loader and `activate` both carry this) ---------------------------------

aws() { command aws "$@" --cli-connect-timeout 5 --cli-read-timeout 20; } # silence would take minutes

says() { # WORDS…: whether `problem` has one of them
  local words
  for words in "$@"; do [[ "${problem}" != *"${words}"* ]] || return 0; done
  return 1
}

throttled() { says Throttl SlowDown RequestLimitExceeded TooManyRequests; }
away() { says 'Could not connect' 'Connection ' 'timeout on endpoint' InternalError InternalServerError ServiceUnavailable '(50'; }
without_role() { says 'Unable to locate credentials'; }
out_of_time() { says RequestTimeTooSkewed 'Signature not yet current' 'Signature expired' RequestExpired; }

patiently() { # COMMAND…: again while its `problem` may pass by itself, for PATIENCE seconds; at random, as others do too
  local most=2 deadline=$((SECONDS + ${PATIENCE:-15}))
  until "$@"; do
    throttled || away || without_role || out_of_time || return 1 # a role, the network, the time may come after us
    ((SECONDS < deadline)) || return 1
    sleep "$((RANDOM % most)).$((RANDOM % 10))"
    ((most >= 32)) || most=$((most * 2))
  done
}

because() { # `problem`: what it is, what to do about it, and AWS's own words
  local cause=''
  if out_of_time; then
    cause="the clock says $(date -u +%FT%TZ), AWS says otherwise (repair time sync: systemctl restart chronyd)"
  elif throttled; then
    cause='AWS is asked too often (try again later)'
  elif without_role; then
    cause='this instance has no role (attach the instance profile of infra/identity.yml)'
  elif says NoSuchBucket; then
    cause='there is no such bucket (correct its name, or make it with infra/storage.yml)'
  elif says ParameterNotFound; then
    cause='there is no such parameter (correct its name, or put it: aws ssm put-parameter)'
  elif says ParameterVersionNotFound; then
    cause='there is no such version of it (publish with one that is there)'
  elif says AccessDenied; then
    cause="the instance's role may not (update the stack of infra/identity.yml, or give the instance its profile)"
  elif says 'No space left'; then
    cause='the disk is full (look at df -h and docker system df, then make room)'
  elif away; then
    cause='AWS cannot be reached, or is ill (look at routes, endpoints and DNS, then try again)'
  fi
  printf '%s' "${cause:+${cause}: }${problem:-there is no such object}"
}
