"""The floor: hand-written SQL behind plain routes; no GraphQL, no authentication."""
