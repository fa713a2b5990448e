#!/bin/sh
# What the SSM agent runs as `sh`, in an environment that need not even have HOME. The parameters arrive as variables
# (interpolationType ENV_VAR), so no value is ever read as code.
if [ -z "${SSM_Subcommand:-}${SSM_App:-}${SSM_Bucket:-}" ]; then
  printf 'deployer: {"outcome":"failed","version":"","generation":0,"manifest_sha256":"","reason":"%s","seconds":{}}\n' \
    'the SSM agent handed no parameters over: it is older than 3.3.2746.0 (update it with the document AWS-UpdateSSMAgent, and the image)'
  exit 1
fi
export APP="${SSM_App:-}" BUCKET="${SSM_Bucket:-}" GROUP="${SSM_Group:-}"
export PARAMETERS="${SSM_Parameters:-}" VERSION="${SSM_Version:-}" MANIFEST_SHA256="${SSM_ManifestSha256:-}" GENERATION="${SSM_Generation:-}"
exec bash /dev/fd/3 "${SSM_Subcommand:-}" 3<<'LOADER' </dev/null
@LOADER@
LOADER
