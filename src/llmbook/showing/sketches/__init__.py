"""The drawings of the chapters, each made of the arrays of its chapter."""
