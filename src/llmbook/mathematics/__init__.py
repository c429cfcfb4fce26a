"""The mathematics of the book, in NumPy alone: attention, losses, gradients,
optimisers, counts.
"""
