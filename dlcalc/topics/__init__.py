"""The kinds of questions: a module each, named like its command with underscores; a folder where the work is long."""
