"""The command line: ``irtd <verb>``. Results go to stdout, logs and progress to stderr."""
