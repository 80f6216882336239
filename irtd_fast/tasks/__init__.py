"""The nine tasks: their texts built, parsed and scored."""
