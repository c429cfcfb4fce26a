"""The tasks that are learned from feedback: invitations, a shop, and the
removal of words.
"""
