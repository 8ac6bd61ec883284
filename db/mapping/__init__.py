"""From a file's columns to properties: what can be read, what a header means, what is suggested, what was used before."""
