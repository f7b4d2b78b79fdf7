"""auth0-rotator: changes Auth0 client secrets on schedule and delivers them into Kubernetes Secrets."""
