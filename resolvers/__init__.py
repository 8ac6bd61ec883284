"""May they, and what happens: plain async functions, one file for each noun."""
