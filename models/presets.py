"""Defaults for kinds of servers, as setting ``preset``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "openai-reasoning": {
        "temperature": None,
        "seed": None,
        "system_role": "developer",
        "token_limit": "max_completion_tokens",
        "max_tokens": 32768,
        "timeout_s": 600.0,
        "option_method": "sampled",
    },
    "azure": {
        "api_version": "2024-10-21",
        "key_env": "AZURE_OPENAI_API_KEY",
        "headers": {"api-key": "env:AZURE_OPENAI_API_KEY"},
    },
    "openrouter": {
        "base_url": "https://openrouter.ai/api/v1",
        "key_env": "OPENROUTER_API_KEY",
        "token_limit": "max_tokens",
    },
    "vllm": {
        "base_url": "http://127.0.0.1:8000/v1",
        "key_env": "VLLM_API_KEY",
        "token_limit": "max_tokens",
    },
    "llama.cpp": {
        "base_url": "http://127.0.0.1:8080/v1",
        "key_env": "LLAMA_API_KEY",
        "token_limit": "max_tokens",
    },
    "ollama": {
        "base_url": "http://127.0.0.1:11434/v1",
        "key_env": "OLLAMA_API_KEY",
        "token_limit": "max_tokens",
    },
}
"""Settings by preset; what is given beside a preset wins."""
