"""Small programs that use the library the way a training script does."""
