#!/usr/bin/env bash
# Runs one release on this instance and proves it; puts the release before it back when it is not healthy.
#
#   activate prefetch|activate|status|down          (by the loader, which sets and checks the environment)
#
# The last line of stdout is the marker: what runs here when the command ends. Little is said before it, because SSM
# lists only the first 2,500 characters. Safe to kill at any point and to run again: every file appears by rename, and
# while `attempt` is in the state, what runs is in doubt.
#
# shellcheck disable=SC2310,SC2312  # no `set -e` inside conditions: the functions called there check their own steps
# shellcheck disable=SC2153,SC2154  # APP BUCKET VERSION MANIFEST_SHA256 GENERATION come from the loader
# shellcheck disable=SC2016,SC1003  # programs of awk and sed, formats and escapes are not for this shell to expand
# shellcheck disable=SC2329         # `timed` calls some functions by name
set -euo pipefail
umask 077

readonly root="${DEPLOYER_ROOT:-}" project="${APP,,}" patience=300
readonly home="${root}/var/lib/deployer/${APP}" private="${root}/run/deployer/${APP}"
declare +x TMPDIR="${private}" # a here-string may be a file and hold a secret; some programs cannot work on /run
declare -A state=() seconds=([fetch]=0.0 [pull]=0.0 [up]=0.0 [health]=0.0)
compose_cli=() dollar='' backslash='' problem='' parameters=''
release='' manifest='' environment=''
