#!/bin/sh
# What the SSM agent runs as `sh`, in an environment that need not even have HOME. The parameters arrive as variables
# (interpolationType ENV_VAR), so no value is ever read as code.
export APP="${SSM_App:-}" BUCKET="${SSM_Bucket:-}" GROUP="${SSM_Group:-}"
export PARAMETERS="${SSM_Parameters:-}" VERSION="${SSM_Version:-}" MANIFEST_SHA256="${SSM_ManifestSha256:-}" GENERATION="${SSM_Generation:-}"
exec bash /dev/fd/3 "${SSM_Subcommand:-}" 3<<'LOADER' </dev/null
@LOADER@
LOADER
