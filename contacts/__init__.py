"""Address books elsewhere: how each provider is asked for consent and for contacts. HTTP goes out here and nowhere else."""
