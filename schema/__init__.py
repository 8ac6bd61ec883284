"""What may be asked: reads like SDL, no logic. `schema.build` makes the schema of it."""
