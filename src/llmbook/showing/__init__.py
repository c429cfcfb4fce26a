"""What a reader sees: figures, the attention viewer, the source of a
function.
"""
