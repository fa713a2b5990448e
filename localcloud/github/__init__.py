"""GitHub's side: the OIDC issuer of Actions and the few REST endpoints used."""
