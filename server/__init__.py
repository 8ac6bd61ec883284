"""Who is asking, and how they reach us: HTTP, settings, processes and the operator's command."""
