"""What every room shares: errors, configuration, files, progress, the registry, chat types."""
