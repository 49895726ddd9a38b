"""What an agent asks a model about an image, and the images that models learn it from."""
