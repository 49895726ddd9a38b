"""What an agent asks a model about a picture, and the pictures that models learn it from."""
