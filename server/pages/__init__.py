"""What a browser is shown: GraphiQL in development, and nowhere else."""
