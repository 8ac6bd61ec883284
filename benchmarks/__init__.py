"""The benchmark anyone can run: this server, a floor of hand-written SQL, and a plain Strawberry server with loaders."""
