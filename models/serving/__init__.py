"""Local models behind the interface of OpenAI."""
