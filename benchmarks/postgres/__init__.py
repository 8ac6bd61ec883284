"""The benchmark on PostgreSQL: this server beside a floor that runs the same statement through asyncpg."""
