"""Parts of the study of Model-GLUE."""
