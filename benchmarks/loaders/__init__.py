"""A server as tutorials write it: Strawberry types, DataLoaders, SQLModel entities in async sessions."""
