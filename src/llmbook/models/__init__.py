"""What is trained, in Keras: layers, models, their training and
their decoding.
"""
