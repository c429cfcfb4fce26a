"""From strings to ids and back: tokenizers, merges, English words, tags."""
