"""Who runs the tasks of a plan: this process and its threads."""
