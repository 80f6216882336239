"""The published text files of IR-TD: reading them as they are, and finding their pictures."""
