"""The workshop that makes the embedded base model `mini`: corpus, conversations, tokenizer, training, export.

Development tooling: nothing in `adapters_hub` imports it, and it is not installed with the package.
"""
